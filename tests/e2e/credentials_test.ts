/** Every source of credentials, region and endpoint that a pod can meet, and what goes wrong. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { STATIC_KEY } from "../emulator/access_keys.ts";
import { type Fault, type FaultRule, FAULTS } from "../emulator/faults.ts";
import { quietPort, QuotingApi, SilentEndpoint } from "./endpoints.ts";
import { type Place, Pod, type PodOptions } from "./pod.ts";
import { IRSA, POD_IDENTITY, PROFILE_KEY, TOKEN_FILES, TRUST_OF_PODS } from "./pod_identity.ts";
import { type Case, sideBySide } from "./side_by_side.ts";

const { webIdentityToken, expiredWebIdentityToken, roleArn } = TRUST_OF_PODS;

type Texts = Readonly<Record<string, string>>;
type Env = Texts | ((place: Place) => Texts);

/** A pod with these variables, and the files that both webhooks of EKS mount. */
function podWith(env: readonly Env[], options: Omit<PodOptions, "env"> = {}): PodOptions {
  return {
    env: (place) =>
      Object.assign({}, ...env.map((one) => typeof one === "function" ? one(place) : one)),
    files: () => TOKEN_FILES,
    ...options,
  };
}

const REGION = { AWS_REGION: "eu-west-1" };
const NO_IMDS = { AWS_EC2_METADATA_DISABLED: "true" };
const HERE = ({ url }: Place) => ({ AWS_ENDPOINT_URL: url });
/** Region and endpoint; credentials come from elsewhere. */
const API: readonly Env[] = [REGION, NO_IMDS, HERE];
const QUIET_IMDS = () => ({ AWS_EC2_METADATA_SERVICE_ENDPOINT: quietPort().url });
const KEYS = {
  AWS_ACCESS_KEY_ID: STATIC_KEY.accessKeyId,
  AWS_SECRET_ACCESS_KEY: STATIC_KEY.secretAccessKey,
};

const keyLines = ({ accessKeyId, secretAccessKey }: typeof STATIC_KEY) =>
  `aws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;
const sharedFiles = ({ url }: Place) => ({
  ".aws/credentials": `[default]\n${keyLines(PROFILE_KEY)}`,
  ".aws/config": `[default]\nregion = eu-west-1\nendpoint_url = ${url}\n`,
});
const programFiles = ({ url, home }: Place) => ({
  ".aws/config": `[default]\nregion = eu-west-1\nendpoint_url = ${url}\n` +
    `credential_process = /bin/cat ${home}/keys.json\n`,
  "keys.json": JSON.stringify({
    ...{ Version: 1, AccessKeyId: PROFILE_KEY.accessKeyId },
    SecretAccessKey: PROFILE_KEY.secretAccessKey,
  }),
});
const ENDPOINT_FLAG = ({ url }: Place) => [`-endpoint-url=${url}`];
const REGION_FLAG = () => ["-region=eu-west-1"];
const BY_ARN = ({ arn }: Place) => [`-target-group-arn=${arn}`];

/** A source, whose credentials sign all calls, and a pod that has it. */
const SOURCES: readonly (readonly [string, string, PodOptions])[] = [
  ["keys from the environment", "static", podWith([...API, KEYS])],
  ["IRSA, with STS by AWS_ENDPOINT_URL", "web-identity", podWith([...API, IRSA])],
  [
    "IRSA, with STS by AWS_ENDPOINT_URL_STS and the API by -endpoint-url",
    "web-identity",
    podWith([REGION, NO_IMDS, IRSA, ({ url }) => ({ AWS_ENDPOINT_URL_STS: url })], {
      args: ENDPOINT_FLAG,
    }),
  ],
  [
    "IRSA without AWS_REGION takes the region of -region to STS",
    "web-identity",
    podWith([NO_IMDS, HERE, IRSA], { args: REGION_FLAG }),
  ],
  ["EKS Pod Identity, with its token file", "container", podWith([...API, POD_IDENTITY])],
  [
    "IRSA wins where EKS Pod Identity is injected as well",
    "web-identity",
    podWith([...API, POD_IDENTITY, IRSA]),
  ],
  [
    "IMDSv2, for credentials and region",
    "imds",
    podWith([HERE, ({ url }) => ({ AWS_EC2_METADATA_SERVICE_ENDPOINT: url })]),
  ],
  [
    "~/.aws, with keys in one file and region and endpoint in the other",
    "profile",
    podWith([NO_IMDS], { files: sharedFiles }),
  ],
  [
    "a program in ~/.aws, where the variables that name other files are empty",
    "profile",
    podWith([NO_IMDS, { AWS_CONFIG_FILE: "", AWS_SHARED_CREDENTIALS_FILE: "" }], {
      files: programFiles,
    }),
  ],
  [
    "-endpoint-url wins over the environment",
    "static",
    podWith([REGION, KEYS, () => ({ AWS_ENDPOINT_URL: quietPort().url })], { args: ENDPOINT_FLAG }),
  ],
  [
    "the region of an ARN wins over AWS_REGION",
    "static",
    podWith([KEYS, HERE, { AWS_REGION: "us-east-1" }], { args: BY_ARN }),
  ],
];

/** What is wrong, the pod, the message, and the calls that are made. */
type Refusal = readonly [string, PodOptions, RegExp, (readonly string[])?];

const STS = ["AssumeRoleWithWebIdentity"];
const SESSION = { AWS_SESSION_TOKEN: "session-0a1b2c3d-4e" };

const EXPIRED_KEY = {
  accessKeyId: "ASIAEXPIRED",
  secretAccessKey: STATIC_KEY.secretAccessKey,
  identity: "expired",
  sessionToken: SESSION.AWS_SESSION_TOKEN,
  expires: Date.now() - 1,
};

const NO_REGION = /: no region is set: set -region, AWS_REGION/;

/** What ends the start at once. */
const REFUSALS: readonly Refusal[] = [
  [
    "a secret key without its access key",
    podWith([...API, { ...KEYS, AWS_ACCESS_KEY_ID: "" }]),
    /: no AWS credentials were found: .* or set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY;/,
  ],
  ["no credentials at all", podWith(API), /: no AWS credentials were found: give the pod a role/],
  [
    "a profile that is not there",
    podWith([...API, KEYS, { AWS_PROFILE: "nobody" }]),
    /: no AWS credentials were found: .*if AWS_PROFILE is set, check that profile/,
  ],
  [
    "a metadata service that nobody answers at",
    podWith([REGION, HERE, QUIET_IMDS]),
    /: no AWS credentials were found: .*the last source tried was the node's metadata/,
  ],
  [
    "a role that does not trust the service account",
    podWith([...API, IRSA, { AWS_ROLE_ARN: `${roleArn}-of-others` }]),
    /: STS refused .* \(AccessDenied: .*\): the trust policy of the role \(AWS_ROLE_ARN\)/,
    STS,
  ],
  [
    "a web identity token that is none",
    podWith([...API, IRSA], { files: () => ({ "irsa/token": `${webIdentityToken}x` }) }),
    /: STS refused .* \(InvalidIdentityToken: .*\): check that the cluster's OIDC/,
    STS,
  ],
  [
    "no file of the web identity token",
    podWith([...API, IRSA], { files: () => ({}) }),
    /: the file \S+\/irsa\/token, the source of AWS credentials, does not exist: check/,
  ],
  [
    "a line break in the session token",
    podWith([...API, KEYS, { AWS_SESSION_TOKEN: "session-0a1b2c3d-4e\nf" }]),
    /: the AWS credentials contain a character .*: check for a line break/,
  ],
  [
    "an access key that nobody knows",
    podWith([...API, KEYS, { AWS_ACCESS_KEY_ID: "AKIAUNKNOWN" }]),
    /: InvalidClientTokenId: .*; AWS does not know the access key/,
    ["DescribeTargetGroups"],
  ],
  [
    "a session token that does not belong to the key",
    podWith([...API, KEYS, SESSION], { args: BY_ARN }),
    /: InvalidClientTokenId: .*or its session token does not belong to it/,
    ["RegisterTargets"],
  ],
  [
    "an expired session token",
    podWith([...API, KEYS, SESSION, { AWS_ACCESS_KEY_ID: EXPIRED_KEY.accessKeyId }], {
      emulator: { accessKeys: [EXPIRED_KEY] },
    }),
    /: ExpiredToken: .*; the session token has expired: .*renew AWS_SESSION_TOKEN/,
    ["DescribeTargetGroups"],
  ],
  ["no region, and no metadata service to ask", podWith([KEYS, NO_IMDS, HERE]), NO_REGION],
  [
    "no region, and nobody answers at the metadata service",
    podWith([KEYS, HERE, QUIET_IMDS]),
    NO_REGION,
  ],
  [
    "an endpoint of another region",
    podWith([...API, KEYS, { AWS_REGION: "us-east-1" }]),
    /: SignatureDoesNotMatch: .*; the endpoint belongs to another region/,
    ["DescribeTargetGroups"],
  ],
];

/** A pod whose start is refused at once, with one message. */
function refusal([name, options, message, calls = []]: Refusal): Case {
  return {
    name: `${name}: one message, at once`,
    run: async () => {
      await using pod = await Pod.start(options);
      const { code, sentence, log } = await pod.ended();
      assertEquals(code, options.args === BY_ARN ? 4 : 3, log);
      assertMatch(sentence, message);
      assertEquals(sentence.split("\n").length, 1, "more than one line");
      assert(!log.includes("next_try_in"), `it was tried again:\n${log}`);
      assert(log.endsWith(`exit_code=${code}`), log);
      assertEquals(foreignLines(log), []);
      assertEquals(pod.actions, calls);
    },
  };
}

/** Lines that are not of our log: a stack trace, or what the SDK says to the console. */
function foreignLines(log: string): string[] {
  return log.split("\n").filter((line) => !/^\d{4}-[\d:.T-]+Z (DEBUG|INFO|WARN|ERROR) /.test(line));
}

/** A pod that serves, stops and exits 0, whatever is wrong on the way. */
function goodLife(
  name: string,
  options: PodOptions,
  check: (pod: Pod, log: string) => void,
  beforeStop: (pod: Pod) => void | Promise<void> = () => {},
): Case {
  return {
    name,
    run: async () => {
      await using pod = await Pod.start(options);
      await pod.sidecar.line(/serving until/);
      await beforeStop(pod);
      const { code, log } = await pod.live();
      assertEquals(code, 0, log);
      check(pod, log);
    },
  };
}

/** Waits until keys that are issued now are out of date. */
function untilExpired(lifetime: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, lifetime + 100));
}

const LIFETIME = 2_500;
const ROTATED = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzaWRlY2FyIn0.cm90YXRlZA";

/** A life longer than its credentials, in which the token was renewed. */
function renewal(name: string, file: string, source: Env, renewed: object): Case {
  return goodLife(
    `${name}: credentials that have expired are renewed, with the token of the day`,
    podWith([...API, source], { emulator: { credentialsLifetime: LIFETIME } }),
    ({ emulator: { calls } }, log) => {
      // A failure to renew would be seen as a call that was refused.
      const last = calls.filter(({ action }) => action === "DeregisterTargets");
      assertEquals(last.map(({ status }) => status), [200], log);
      assert(!log.includes(ROTATED));
    },
    async (pod) => {
      Object.assign(pod.emulator.trust, renewed);
      pod.write(file, ROTATED);
      await untilExpired(LIFETIME);
    },
  );
}

/** A pod whose role's credentials the API refuses when the target is to be deregistered. */
function refusedAtTheEnd(rule: Fault & Partial<FaultRule>, ...args: string[]): PodOptions {
  const faults = [{ ...rule, action: "DeregisterTargets" } as const];
  return podWith([...API, IRSA], { args: () => args, emulator: { faults } });
}

/** The calls after the stop signal. */
function lastCalls({ actions }: Pod): string {
  return actions.slice(actions.indexOf("DeregisterTargets")).join(" ")
    .replaceAll("DeregisterTargets", "deregister")
    .replaceAll("AssumeRoleWithWebIdentity", "fetch");
}

const REFUSED_LATER: readonly (Fault & Partial<FaultRule>)[] = [
  // By the clock of a node that is slow, they seem good still.
  { what: "expired-token", occurrence: "first" },
  ...FAULTS["revoke-key"].codes.map((code) =>
    ({ what: "revoke-key", code, occurrence: "first" }) as const
  ),
];

const REFUSED_CREDENTIALS: readonly Case[] = [
  ...REFUSED_LATER.map((rule) =>
    goodLife(
      `credentials that the API refuses are fetched anew, once: ${JSON.stringify(rule)}`,
      refusedAtTheEnd(rule),
      (pod, log) => assertEquals(lastCalls(pod), "deregister fetch deregister", log),
    )
  ),
  {
    name: "credentials that the API refuses for ever are fetched anew every five seconds at most",
    run: async () => {
      await using pod = await Pod.start(
        refusedAtTheEnd({ what: "revoke-key" }, "-deregister-timeout=8s"),
      );
      await pod.sidecar.line(/serving until/);
      pod.sidecar.signal("SIGTERM");
      const { code, log } = await pod.sidecar.ended();
      assertEquals(code, 5, log.join("\n"));
      assert(lastCalls(pod).split("fetch").length - 1 <= 2, lastCalls(pod));
    },
  },
  goodLife(
    "a key that was rotated in a shared file is read anew when the API refuses the old one",
    podWith(API, {
      files: sharedFiles,
      emulator: { faults: [{ what: "revoke-key", action: "DeregisterTargets", occurrence: 1 }] },
    }),
    ({ identities }) => assertEquals(identities, ["profile", "static"]),
    (pod) => pod.write(".aws/credentials", `[default]\n${keyLines(STATIC_KEY)}`),
  ),
];

/** IRSA, with STS doing this. */
function troubledSts(faults: readonly Omit<FaultRule, "action">[], ...args: string[]): PodOptions {
  const action = "AssumeRoleWithWebIdentity";
  const rules = faults.map((fault) => ({ ...fault, action }) as FaultRule);
  return podWith([...API, IRSA], { args: () => args, emulator: { faults: rules } });
}

const hangOnce = { what: "hang", occurrence: "first" } as const;

/** Sources that are in trouble for a while. */
const LATE: readonly Case[] = [
  goodLife(
    "STS is throttled, then not: a whole life",
    troubledSts([1, 2, 3].map((occurrence) => ({ what: "throttle", occurrence }))),
    (_, log) =>
      assertMatch(log, /STS failed to return AWS credentials \(Throttling: .*next_try_in/),
  ),
  goodLife(
    "STS never answers once: it is called again before the attempt's time is up, a whole life",
    troubledSts([hangOnce]),
    (_, log) =>
      assertMatch(log, /STS returned no AWS credentials: no answer from \S+ in time .*next_try_in/),
  ),
  {
    name: "EKS Pod Identity's agent is started later: waited for, then a whole life",
    run: async () => {
      const { url, ...address } = quietPort();
      await using pod = await Pod.start(
        podWith([...API, ({ home }) => POD_IDENTITY({ home, url })]),
      );
      assertMatch(
        await pod.sidecar.line(/next_try_in/),
        /from the EKS Pod Identity agent \(connect ECONNREFUSED 127.0.0.2:\d+\): check/,
      );
      await using _agent = Deno.serve(
        { ...address, onListen: () => {} },
        (request) => fetch(pod.emulator.url + new URL(request.url).pathname, request),
      );
      const { code, log } = await pod.live();
      assertEquals(code, 0, log);
      assertEquals(pod.identities, ["container"]);
    },
  },
];

/** Pods that retry until their time is up, and then exit 3 without a call of the API. */
const NEVER: readonly (readonly [string, PodOptions, RegExp])[] = [
  [
    "EKS Pod Identity's agent refuses",
    podWith([...API, POD_IDENTITY], { files: () => ({ "pod-identity/token": "x" }) }),
    /no AWS credentials were found: .*tried was the EKS Pod Identity agent/,
  ],
  [
    "STS is a proxy's page",
    troubledSts([{ what: "html-reply" }], "-resolve-timeout=6s"),
    /STS returned no AWS credentials: the reply from \S+ \(HTTP 200\) .*a proxy/,
  ],
];

const SILENT: Readonly<Record<string, (url: string) => Env>> = {
  "STS": (url) => (place) => ({ ...IRSA(place), AWS_ENDPOINT_URL_STS: url }),
  "agent": (url) => ({ home }) => POD_IDENTITY({ home, url }),
  "metadata service": (url) => ({
    AWS_EC2_METADATA_DISABLED: "",
    AWS_EC2_METADATA_SERVICE_ENDPOINT: url,
  }),
};

const OUT_OF_REACH: readonly Case[] = [
  ...NEVER.map(([what, options, message]): Case => ({
    name: `${what}: tried again until the time is up, exit 3`,
    run: async () => {
      await using pod = await Pod.start(options);
      const { code, sentence, log } = await pod.ended();
      assertEquals(code, 3, log);
      assertMatch(sentence, message);
      assert(pod.actions.every((action) => action === STS[0]), pod.actions.join());
    },
  })),
  ...Object.entries(SILENT).map(([source, env]): Case => ({
    name: `the credentials' source (${source}) takes connections and says nothing: exit 3 in time`,
    run: async () => {
      await using silent = new SilentEndpoint();
      const args = () => ["-resolve-timeout=6s"];
      await using pod = await Pod.start(podWith([...API, env(silent.url)], { args }));
      const { code, sentence, log } = await pod.ended();
      assertEquals(code, 3, log);
      const words = `credentials did not arrive in time; .*${source}( \\(.*\\))?: check`;
      assertMatch(sentence, new RegExp(`${words}.* \\(tried for 6s, -resolve-timeout\\)$`));
      assertEquals(pod.actions, []);
    },
  })),
  ...Object.entries(SILENT).map(([source, env]): Case => ({
    name: `SIGTERM while the credentials' source (${source}) says nothing: exit 0 at once`,
    run: async () => {
      await using silent = new SilentEndpoint();
      const args = () => ["-resolve-timeout=1h"];
      await using pod = await Pod.start(podWith([...API, env(silent.url)], { args }));
      await silent.called;
      pod.sidecar.signal("SIGTERM");
      const { code, log } = await pod.ended();
      assertEquals(code, 0, log);
      assertEquals(pod.actions, []);
    },
  })),
  {
    name: "the credentials' source is gone when the target is to be deregistered: exit 5 in time",
    run: async () => {
      await using pod = await Pod.start(podWith([...API, IRSA], {
        args: () => ["-deregister-timeout=3s"],
        emulator: { credentialsLifetime: LIFETIME },
      }));
      await pod.sidecar.line(/serving until/);
      pod.write("irsa/token", expiredWebIdentityToken);
      await untilExpired(LIFETIME);
      pod.sidecar.signal("SIGTERM");
      const { code, log } = await pod.sidecar.ended();
      assertEquals(code, 5, log.join("\n"));
      assertMatch(log.at(-1) ?? "", /STS refused .* \(ExpiredToken: .*the kubelet does not renew/);
    },
  },
];

/** Whatever an API, or something in its place, quotes of a request: it is not in the log. */
const QUOTED = ["SignatureDoesNotMatch", "IncompleteSignature", "AccessDenied"].map((
  code,
): Case => ({
  name: `${code} with a message that repeats the request: no secret of it is in the log`,
  run: async () => {
    await using quoting = new QuotingApi(code);
    const args = () => ["-resolve-timeout=6s"];
    await using pod = await Pod.start(podWith([...API, IRSA, ({ url }) => ({
      AWS_ENDPOINT_URL_STS: url,
      AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2: quoting.url,
    })], { args }));
    const { code: exit, log } = await pod.ended();
    assertEquals(exit, 3, log);
    assertMatch(quoting.lastQuote, /Signature=[0-9a-f]{64}/);
    assertMatch(quoting.lastQuote, /session-[0-9a-f]{8}-/);
    assert(log.includes(code), log);
    assertEquals(foreignLines(log), []);
  },
}));

sideBySide([
  ...LATE,
  ...OUT_OF_REACH,
  ...REFUSED_CREDENTIALS,
  renewal("IRSA", "irsa/token", IRSA, {
    webIdentityToken: ROTATED,
    expiredWebIdentityToken: webIdentityToken,
  }),
  renewal("EKS Pod Identity", "pod-identity/token", POD_IDENTITY, { containerToken: ROTATED }),
  ...SOURCES.map(([name, identity, options]) =>
    goodLife(name, options, ({ identities, actions }, log) => {
      assertEquals(identities, [identity], log);
      assert(actions.includes("DeregisterTargets"), log);
    })
  ),
  ...REFUSALS.map(refusal),
  ...QUOTED,
]);
