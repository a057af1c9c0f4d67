/** Every source of credentials, region and endpoint that a pod can meet, and what goes wrong. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { STATIC_KEY } from "../emulator/access_keys.ts";
import { type Fault, type FaultRule, FAULTS } from "../emulator/faults.ts";
import { quietPort, QuotingApi, Relay, SilentEndpoint } from "./endpoints.ts";
import { type Place, Pod, type PodEnd, type PodOptions } from "./pod.ts";
import { PROFILE_KEY, TRUST_OF_PODS } from "./pod_identity.ts";
import { type Case, sideBySide } from "./side_by_side.ts";

const REGION = { AWS_REGION: "eu-west-1" };
const NO_IMDS = { AWS_EC2_METADATA_DISABLED: "true" };
const KEYS = {
  AWS_ACCESS_KEY_ID: STATIC_KEY.accessKeyId,
  AWS_SECRET_ACCESS_KEY: STATIC_KEY.secretAccessKey,
};

const { webIdentityToken, expiredWebIdentityToken, containerToken, roleArn } = TRUST_OF_PODS;

/** Region and endpoint; credentials come from elsewhere. */
const api = ({ url }: Place) => ({ ...REGION, ...NO_IMDS, AWS_ENDPOINT_URL: url });

/** As the webhook of IRSA injects it. */
const webIdentity = ({ home }: Place) => ({
  AWS_ROLE_ARN: roleArn,
  AWS_WEB_IDENTITY_TOKEN_FILE: `${home}/irsa/token`,
});
const webIdentityFiles = () => ({ "irsa/token": webIdentityToken });

/** As the webhook of EKS Pod Identity injects it. */
const podIdentity = ({ url, home }: { url: string; home: string }) => ({
  AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/v1/credentials`,
  AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: `${home}/pod-identity/token`,
});
const podIdentityFiles = () => ({ "pod-identity/token": containerToken });

const keyLines = `aws_access_key_id = ${PROFILE_KEY.accessKeyId}
aws_secret_access_key = ${PROFILE_KEY.secretAccessKey}
`;

/** A whole life, and whose credentials its calls were signed with. */
function life(name: string, identity: string, options: PodOptions): Case {
  return {
    name,
    run: async () => {
      await using pod = await Pod.start(options);
      const { code, log } = await pod.live();
      assertEquals(code, 0, log);
      assertEquals(pod.identities, [identity], log);
      assert(pod.actions.includes("DeregisterTargets"), log);
    },
  };
}

const SOURCES: readonly Case[] = [
  life("keys from the environment", "static", {
    env: (place) => ({ ...api(place), ...KEYS }),
  }),
  life("IRSA, with STS by AWS_ENDPOINT_URL", "web-identity", {
    env: (place) => ({ ...api(place), ...webIdentity(place) }),
    files: webIdentityFiles,
  }),
  life("IRSA, with STS by AWS_ENDPOINT_URL_STS and the API by -endpoint-url", "web-identity", {
    env: (place) => ({
      ...REGION,
      ...NO_IMDS,
      ...webIdentity(place),
      AWS_ENDPOINT_URL_STS: place.url,
    }),
    files: webIdentityFiles,
    args: ({ url }) => [`-endpoint-url=${url}`],
  }),
  life("IRSA without AWS_REGION takes the region of -region to STS", "web-identity", {
    env: (place) => ({ ...NO_IMDS, ...webIdentity(place), AWS_ENDPOINT_URL: place.url }),
    files: webIdentityFiles,
    args: () => ["-region=eu-west-1"],
  }),
  life("EKS Pod Identity, with its token file", "container", {
    env: (place) => ({ ...api(place), ...podIdentity(place) }),
    files: podIdentityFiles,
  }),
  life("IRSA wins where EKS Pod Identity is injected as well", "web-identity", {
    env: (place) => ({ ...api(place), ...podIdentity(place), ...webIdentity(place) }),
    files: () => ({ ...webIdentityFiles(), ...podIdentityFiles() }),
  }),
  life("IMDSv2, for credentials and region", "imds", {
    env: ({ url }) => ({ AWS_ENDPOINT_URL: url, AWS_EC2_METADATA_SERVICE_ENDPOINT: url }),
  }),
  life("~/.aws, with keys in one file and region and endpoint in the other", "profile", {
    env: () => NO_IMDS,
    files: ({ url }) => ({
      ".aws/credentials": `[default]\n${keyLines}`,
      ".aws/config": `[default]\nregion = eu-west-1\nendpoint_url = ${url}\n`,
    }),
  }),
  life("a profile by AWS_PROFILE, in files by their variables", "profile", {
    env: ({ home }) => ({
      ...NO_IMDS,
      AWS_PROFILE: "pods",
      AWS_CONFIG_FILE: `${home}/aws/config`,
      AWS_SHARED_CREDENTIALS_FILE: `${home}/aws/keys`,
    }),
    files: ({ url }) => ({
      "aws/keys": `[pods]\n${keyLines}`,
      "aws/config": `[profile pods]
region = eu-west-1
services = here

[services here]
elastic_load_balancing_v2 =
  endpoint_url = ${url}
`,
    }),
  }),
  life("an endpoint for this API alone wins over the one for all", "static", {
    env: ({ url }) => ({
      ...REGION,
      ...KEYS,
      AWS_ENDPOINT_URL: quietPort().url,
      AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2: url,
    }),
  }),
  life("-endpoint-url wins over the environment", "static", {
    env: () => ({ ...REGION, ...KEYS, AWS_ENDPOINT_URL: quietPort().url }),
    args: ({ url }) => [`-endpoint-url=${url}`],
  }),
  life("-region wins over AWS_REGION", "static", {
    env: ({ url }) => ({ ...KEYS, AWS_REGION: "us-east-1", AWS_ENDPOINT_URL: url }),
    args: () => ["-region=eu-west-1"],
  }),
  life("the region of an ARN wins over AWS_REGION", "static", {
    env: ({ url }) => ({ ...KEYS, AWS_REGION: "us-east-1", AWS_ENDPOINT_URL: url }),
    args: ({ arn }) => [`-target-group-arn=${arn}`],
  }),
];

/** How a life that cannot be ends: at once, and in one sentence. */
interface Refusal extends PodOptions {
  readonly name: string;
  readonly sentence: RegExp;
  /** The calls that were made. @default {[]} */
  readonly calls?: readonly string[];
}

const STS = ["AssumeRoleWithWebIdentity"];

const REFUSALS: readonly Refusal[] = [
  {
    name: "no credentials at all",
    env: api,
    sentence: /: no AWS credentials were found: give the pod a role/,
  },
  {
    name: "a profile that is not there",
    env: (place) => ({ ...api(place), ...KEYS, AWS_PROFILE: "nobody" }),
    sentence: /: no AWS credentials were found: .*if AWS_PROFILE is set, check that profile/,
  },
  {
    name: "a metadata service that nobody answers at",
    env: ({ url }) => ({
      ...REGION,
      AWS_ENDPOINT_URL: url,
      AWS_EC2_METADATA_SERVICE_ENDPOINT: quietPort().url,
    }),
    sentence: /: no AWS credentials were found: .*the last source tried was the node's metadata/,
  },
  {
    name: "a role that does not trust the service account",
    env: (place) => ({
      ...api(place),
      ...webIdentity(place),
      AWS_ROLE_ARN: `${roleArn}-of-others`,
    }),
    files: webIdentityFiles,
    sentence:
      /: STS refused .* \(AccessDenied: .*\): the trust policy of the role \(AWS_ROLE_ARN\)/,
    calls: STS,
  },
  {
    name: "a web identity token that is none",
    env: (place) => ({ ...api(place), ...webIdentity(place) }),
    files: () => ({ "irsa/token": `${webIdentityToken}x` }),
    sentence: /: STS refused .* \(InvalidIdentityToken: .*\): check that the cluster's OIDC/,
    calls: STS,
  },
  {
    name: "a web identity token that has expired",
    env: (place) => ({ ...api(place), ...webIdentity(place) }),
    files: () => ({ "irsa/token": expiredWebIdentityToken }),
    sentence: /: STS refused .* \(ExpiredToken: .*\): check why the kubelet does not renew/,
    calls: STS,
  },
  {
    name: "no file of the web identity token",
    env: (place) => ({ ...api(place), ...webIdentity(place) }),
    sentence: /: the file \S+\/irsa\/token, the source of AWS credentials, does not exist: check/,
  },
  {
    name: "no file of the pod identity token",
    env: (place) => ({ ...api(place), ...podIdentity(place) }),
    sentence:
      /: the file \S+\/pod-identity\/token, the source of AWS credentials, does not exist: check/,
  },
  {
    name: "a line break in the access key",
    env: (place) => ({ ...api(place), ...KEYS, AWS_ACCESS_KEY_ID: `${STATIC_KEY.accessKeyId}\n` }),
    sentence: /: the AWS credentials contain a character .*: check for a line break/,
  },
  {
    name: "a line break in the session token",
    env: (place) => ({ ...api(place), ...KEYS, AWS_SESSION_TOKEN: "session-0a1b2c3d-4e\nf" }),
    sentence: /: the AWS credentials contain a character .*: check for a line break/,
  },
];

/** What the API itself refuses, once it is asked. */
const REFUSED_BY_API: readonly Omit<Refusal, "calls">[] = [
  {
    name: "an access key that nobody knows",
    env: (place) => ({ ...api(place), ...KEYS, AWS_ACCESS_KEY_ID: "AKIAUNKNOWN" }),
    sentence: /: InvalidClientTokenId: .*; AWS does not know the access key/,
  },
  {
    name: "a session token that does not belong to the key",
    env: (place) => ({ ...api(place), ...KEYS, AWS_SESSION_TOKEN: "session-0a1b2c3d-4e" }),
    sentence: /: InvalidClientTokenId: .*or its session token does not belong to it/,
  },
  {
    name: "an expired session token",
    env: (place) => ({
      ...api(place),
      AWS_ACCESS_KEY_ID: "ASIAEXPIRED",
      AWS_SECRET_ACCESS_KEY: STATIC_KEY.secretAccessKey,
      AWS_SESSION_TOKEN: "session-0a1b2c3d-4e",
    }),
    emulator: {
      accessKeys: [{
        accessKeyId: "ASIAEXPIRED",
        secretAccessKey: STATIC_KEY.secretAccessKey,
        identity: "expired",
        sessionToken: "session-0a1b2c3d-4e",
        expires: Date.now() - 1,
      }],
    },
    sentence: /: ExpiredToken: .*; the session token has expired: .*renew AWS_SESSION_TOKEN/,
  },
];

const BY_ARN = ({ arn }: Place) => [`-target-group-arn=${arn}`];

function refusal(one: Refusal, byArn: boolean): Case {
  return {
    name: `${one.name}, group by ${byArn ? "ARN" : "name"}: one sentence, at once`,
    run: async () => {
      await using pod = await Pod.start(byArn ? { ...one, args: BY_ARN } : one);
      const end = await pod.ended();
      expectRefusal(end, byArn ? 4 : 3, one.sentence);
      assertEquals(pod.actions, one.calls ?? []);
    },
  };
}

function expectRefusal({ code, sentence, log }: PodEnd, expected: number, words: RegExp): void {
  assertEquals(code, expected, log);
  assertMatch(sentence, words);
  assertEquals(sentence.split("\n").length, 1, "more than one sentence");
  assert(!log.includes("next_try_in"), `it was tried again:\n${log}`);
  assert(log.endsWith(`exit_code=${expected}`), log);
  assertEquals(linesOfNobody(log), []);
}

/** Lines that are not of our log: a stack trace, or what the SDK says to the console. */
function linesOfNobody(log: string): string[] {
  return log.split("\n").filter((line) => !/^\d{4}-[\d:.T-]+Z (DEBUG|INFO|WARN|ERROR) /.test(line));
}

/** Both ways to the first call. */
const REFUSED: readonly Case[] = [
  ...REFUSALS.flatMap((one) => [refusal(one, false), refusal(one, true)]),
  ...REFUSED_BY_API.flatMap((one) => [
    refusal({ ...one, calls: ["DescribeTargetGroups"] }, false),
    refusal({ ...one, calls: ["RegisterTargets"] }, true),
  ]),
  refusal({
    name: "no region, and no metadata service to ask",
    env: ({ url }) => ({ ...KEYS, ...NO_IMDS, AWS_ENDPOINT_URL: url }),
    sentence: /: no region is set: set -region, AWS_REGION/,
  }, false),
  refusal({
    name: "an empty AWS_REGION is none",
    env: ({ url }) => ({ ...KEYS, ...NO_IMDS, AWS_ENDPOINT_URL: url, AWS_REGION: "" }),
    sentence: /: no region is set: set -region, AWS_REGION/,
  }, false),
  refusal({
    name: "no region, and nobody answers at the metadata service",
    env: ({ url }) => ({
      ...KEYS,
      AWS_ENDPOINT_URL: url,
      AWS_EC2_METADATA_SERVICE_ENDPOINT: quietPort().url,
    }),
    sentence: /: no region is set: set -region, AWS_REGION/,
  }, false),
  refusal({
    name: "an endpoint of another region",
    env: (place) => ({ ...api(place), ...KEYS, AWS_REGION: "us-east-1" }),
    sentence: /: SignatureDoesNotMatch: .*; the endpoint belongs to another region/,
    calls: ["DescribeTargetGroups"],
  }, false),
];

/** Waits until keys that are issued now are out of date. */
function untilExpired(lifetime: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, lifetime + 100));
}

/** A life longer than its credentials, in which the token was renewed. */
function renewal(name: string, file: string, options: PodOptions, renewed: object): Case {
  const lifetime = 2_500;
  return {
    name: `${name}: credentials that have expired are renewed, with the token of the day`,
    run: async () => {
      await using pod = await Pod.start({
        ...options,
        emulator: { credentialsLifetime: lifetime },
      });
      await pod.sidecar.line(/serving until/);
      Object.assign(pod.emulator.trust, renewed);
      pod.write(file, ROTATED);
      await untilExpired(lifetime);
      const { code, log } = await pod.live();
      assertEquals(code, 0, log);
      // A failure to renew would be seen as a call that was refused.
      const leaving = pod.emulator.calls.filter(({ action }) => action === "DeregisterTargets");
      assertEquals(leaving.map(({ status }) => status), [200], log);
      assert(!log.includes(ROTATED));
    },
  };
}

const ROTATED = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzaWRlY2FyIn0.cm90YXRlZA";

/** A pod whose role's credentials the API refuses when the target is to be deregistered. */
function refusedAtTheEnd(
  rule: Fault & Partial<FaultRule>,
  args: readonly string[] = [],
): PodOptions {
  return {
    env: (place) => ({ ...api(place), ...webIdentity(place) }),
    files: webIdentityFiles,
    args: () => args,
    emulator: { faults: [{ ...rule, action: "DeregisterTargets" }] },
  };
}

/** The calls after the stop signal. */
function lastCalls(pod: Pod): string {
  const first = pod.actions.indexOf("DeregisterTargets");
  const short = { DeregisterTargets: "deregister", AssumeRoleWithWebIdentity: "fetch" };
  return pod.actions.slice(first).map((action) => short[action as keyof typeof short]).join(" ");
}

const REFUSED_CREDENTIALS: readonly Case[] = [
  ...[
    // By the clock of a node that is slow, they seem good still.
    { what: "expired-token", occurrence: "first" } as const,
    ...FAULTS["revoke-key"].codes.map((
      code,
    ) => ({ what: "revoke-key", code, occurrence: "first" } as const)),
  ].map((rule): Case => ({
    name: `credentials that the API refuses are fetched anew, once: ${JSON.stringify(rule)}`,
    run: async () => {
      await using pod = await Pod.start(refusedAtTheEnd(rule));
      const { code, log } = await pod.live();
      assertEquals(code, 0, log);
      assertEquals(lastCalls(pod), "deregister fetch deregister", log);
    },
  })),
  {
    name: "credentials that the API refuses for ever are fetched anew every five seconds at most",
    run: async () => {
      const rule = { what: "revoke-key" } as const;
      await using pod = await Pod.start(refusedAtTheEnd(rule, ["-deregister-timeout=8s"]));
      await pod.sidecar.line(/serving until/);
      pod.sidecar.signal("SIGTERM");
      const { code, log } = await pod.sidecar.ended();
      assertEquals(code, 5, log.join("\n"));
      const calls = lastCalls(pod);
      assert(calls.split("fetch").length - 1 <= 2, calls);
    },
  },
  {
    name: "a key that was rotated in a shared file is read anew when the API refuses the old one",
    run: async () => {
      const keys = (id: string, secret: string) =>
        `[default]\naws_access_key_id = ${id}\naws_secret_access_key = ${secret}\n`;
      await using pod = await Pod.start({
        env: api,
        files: () => ({ ".aws/credentials": `[default]\n${keyLines}` }),
        emulator: { faults: [{ what: "revoke-key", action: "DeregisterTargets", occurrence: 1 }] },
      });
      await pod.sidecar.line(/serving until/);
      pod.write(".aws/credentials", keys(STATIC_KEY.accessKeyId, STATIC_KEY.secretAccessKey));
      const { code, log } = await pod.live();
      assertEquals(code, 0, log);
      assertEquals(pod.identities, ["profile", "static"]);
    },
  },
];

const SLOW = ["-resolve-timeout=6s"];

const OUT_OF_REACH: readonly Case[] = [
  {
    name: "EKS Pod Identity's agent is started later: waited for, then a whole life",
    run: async () => {
      const quiet = quietPort();
      await using pod = await Pod.start({
        env: (place) => ({ ...api(place), ...podIdentity({ ...place, url: quiet.url }) }),
        files: podIdentityFiles,
      });
      const line = await pod.sidecar.line(/next_try_in/);
      assertMatch(
        line,
        /from the EKS Pod Identity agent \(connect ECONNREFUSED 127.0.0.2:\d+\): check/,
      );
      await using _agent = new Relay(pod.emulator.url, quiet);
      const { code, log } = await pod.live();
      assertEquals(code, 0, log);
      assertEquals(pod.identities, ["container"]);
    },
  },
  {
    name: "EKS Pod Identity's agent refuses: asked again until the time is up, exit 3",
    run: async () => {
      await using pod = await Pod.start({
        env: (place) => ({ ...api(place), ...podIdentity(place) }),
        files: () => ({ "pod-identity/token": `${containerToken}x` }),
      });
      const { code, sentence, log } = await pod.ended();
      assertEquals(code, 3, log);
      assertMatch(
        sentence,
        /no AWS credentials were found: .*tried was the EKS Pod Identity agent/,
      );
      assertEquals(pod.actions, []);
    },
  },
  {
    name: "STS is throttled, then not: a whole life",
    run: async () => {
      await using pod = await Pod.start({
        env: (place) => ({ ...api(place), ...webIdentity(place) }),
        files: webIdentityFiles,
        emulator: {
          faults: [1, 2, 3].map((occurrence) => ({
            what: "throttle",
            action: "AssumeRoleWithWebIdentity",
            occurrence,
          })),
        },
      });
      const { code, log } = await pod.live();
      assertEquals(code, 0, log);
      assertMatch(log, /STS failed to return AWS credentials \(Throttling: .*next_try_in/);
    },
  },
  {
    name: "STS is a proxy's page, for ever: exit 3 when the time is up",
    run: async () => {
      await using pod = await Pod.start({
        env: (place) => ({ ...api(place), ...webIdentity(place) }),
        files: webIdentityFiles,
        args: () => SLOW,
        emulator: { faults: [{ what: "html-reply", action: "AssumeRoleWithWebIdentity" }] },
      });
      const { code, sentence, log } = await pod.ended();
      assertEquals(code, 3, log);
      assertMatch(
        sentence,
        /STS returned no AWS credentials: the reply from \S+ \(HTTP 200\) .*a proxy/,
      );
    },
  },
  {
    name: "STS never answers once: it is asked again before the attempt's time is up, a whole life",
    run: async () => {
      await using pod = await Pod.start({
        env: (place) => ({ ...api(place), ...webIdentity(place) }),
        files: webIdentityFiles,
        emulator: {
          faults: [{ what: "hang", action: "AssumeRoleWithWebIdentity", occurrence: "first" }],
        },
      });
      const { code, log } = await pod.live();
      assertEquals(code, 0, log);
      assertMatch(log, /STS returned no AWS credentials: no answer from \S+ in time .*next_try_in/);
    },
  },
  {
    name: "STS never answers in the time of an attempt, then it does: a whole life",
    run: async () => {
      await using pod = await Pod.start({
        env: (place) => ({ ...api(place), ...webIdentity(place) }),
        files: webIdentityFiles,
        args: () => ["-resolve-timeout=9s"],
        emulator: {
          faults: [{
            what: "hang",
            action: "AssumeRoleWithWebIdentity",
            occurrence: "first",
          }],
        },
      });
      const { code, log } = await pod.live();
      assertEquals(code, 0, log);
      assertMatch(log, /credentials did not arrive in time; the last source tried was STS: check/);
    },
  },
  ...(["STS", "agent", "metadata service"] as const).map((source): Case => ({
    name: `the credentials' source (${source}) takes connections and says nothing: exit 3 in time`,
    run: async () => {
      await using silent = new SilentEndpoint();
      await using pod = await Pod.start(silentSource(source, silent.url, SLOW));
      const { code, sentence, log } = await pod.ended();
      assertEquals(code, 3, log);
      assertMatch(
        sentence,
        new RegExp(`credentials did not arrive in time; .*${source}( \\(.*\\))?: check`),
      );
      assertMatch(sentence, /\(tried for 6s, -resolve-timeout\)$/);
      assertEquals(pod.actions, []);
    },
  })),
  ...(["STS", "agent", "metadata service"] as const).map((source): Case => ({
    name: `SIGTERM while the credentials' source (${source}) says nothing: exit 0 at once`,
    run: async () => {
      await using silent = new SilentEndpoint();
      await using pod = await Pod.start(silentSource(source, silent.url, ["-resolve-timeout=1h"]));
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
      await using pod = await Pod.start({
        env: (place) => ({ ...api(place), ...webIdentity(place) }),
        files: webIdentityFiles,
        args: () => ["-deregister-timeout=3s"],
        emulator: { credentialsLifetime: 2_500 },
      });
      await pod.sidecar.line(/serving until/);
      pod.write("irsa/token", expiredWebIdentityToken);
      await untilExpired(2_500);
      pod.sidecar.signal("SIGTERM");
      const { code, log } = await pod.sidecar.ended();
      assertEquals(code, 5, log.join("\n"));
      assertMatch(log.at(-1) ?? "", /STS refused .* \(ExpiredToken: .*the kubelet does not renew/);
    },
  },
];

function silentSource(source: string, url: string, args: readonly string[]): PodOptions {
  const env = {
    "STS": (place: Place) => ({ ...webIdentity(place), AWS_ENDPOINT_URL_STS: url }),
    "agent": (place: Place) => podIdentity({ ...place, url }),
    "metadata service": () => ({
      AWS_EC2_METADATA_DISABLED: "",
      AWS_EC2_METADATA_SERVICE_ENDPOINT: url,
    }),
  }[source];
  return {
    env: (place) => ({ ...api(place), ...env?.(place) }),
    files: () => ({ ...webIdentityFiles(), ...podIdentityFiles() }),
    args: () => args,
  };
}

/** Whatever an API, or something in its place, quotes of a request: it is not in the log. */
const QUOTED: readonly Case[] = ["SignatureDoesNotMatch", "IncompleteSignature", "AccessDenied"]
  .map((
    code,
  ) => ({
    name: `${code} with a message that repeats the request: no secret of it is in the log`,
    run: async () => {
      await using quoting = new QuotingApi(code);
      await using pod = await Pod.start({
        env: (place) => ({
          ...api(place),
          ...webIdentity(place),
          AWS_ENDPOINT_URL_STS: place.url,
          AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2: quoting.url,
        }),
        files: webIdentityFiles,
        args: () => ["-resolve-timeout=6s"],
      });
      const { code: exit, log } = await pod.ended();
      assertEquals(exit, 3, log);
      assertMatch(quoting.lastQuote, /Signature=[0-9a-f]{64}/);
      assertMatch(quoting.lastQuote, /session-[0-9a-f]{8}-/);
      assert(log.includes(code), log);
      assertEquals(linesOfNobody(log), []);
    },
  }));

sideBySide([
  ...OUT_OF_REACH,
  ...REFUSED_CREDENTIALS,
  renewal("IRSA", "irsa/token", {
    env: (place) => ({ ...api(place), ...webIdentity(place) }),
    files: webIdentityFiles,
  }, { webIdentityToken: ROTATED, expiredWebIdentityToken: webIdentityToken }),
  renewal("EKS Pod Identity", "pod-identity/token", {
    env: (place) => ({ ...api(place), ...podIdentity(place) }),
    files: podIdentityFiles,
  }, { containerToken: ROTATED }),
  ...SOURCES,
  ...REFUSED,
  ...QUOTED,
]);
