import { assert, assertEquals, assertMatch } from "@std/assert";
import type { ApiError } from "../../../lib/aws/errors.ts";
import { toApiError } from "../../../lib/aws/sdk_errors.ts";
import { answer, ARN, failure, faultOf, result, type Script, ScriptedApi } from "./_api.ts";

/** Status, code, whether it is retryable, and whether the call can have had its effect. */
type Row = readonly [number, string, boolean, ApiError["effect"]];

const ANSWERS: readonly Row[] = [
  [400, "Throttling", true, "none"],
  [400, "ThrottlingException", true, "none"],
  [400, "RequestLimitExceeded", true, "none"],
  [400, "TooManyRequestsException", true, "none"],
  [400, "SlowDown", true, "none"],
  [429, "Whatever", true, "none"],
  [400, "RequestTimeout", true, "none"],
  [500, "InternalFailure", true, "unknown"],
  [500, "HealthUnavailable", true, "unknown"],
  [501, "NotImplemented", true, "unknown"],
  [502, "BadGateway", true, "unknown"],
  [503, "ServiceUnavailable", true, "unknown"],
  [504, "GatewayTimeout", true, "unknown"],
  [400, "TargetGroupNotFound", false, "none"],
  [400, "InvalidTarget", false, "none"],
  [400, "TooManyTargets", false, "none"],
  [400, "TooManyRegistrationsForTargetId", false, "none"],
  [400, "ValidationError", false, "none"],
  [403, "AccessDenied", false, "none"],
  [403, "ExpiredToken", false, "none"],
  [403, "InvalidClientTokenId", false, "none"],
  [403, "SignatureDoesNotMatch", false, "none"],
  [403, "OptInRequired", false, "none"],
];

function refusing(status: number, code: string, message?: string): Script {
  return (_, exchange) => answer(exchange, failure(code, message), { status });
}

for (const [status, code, retryable, effect] of ANSWERS) {
  const what = retryable ? "may go better later" : "is final";
  Deno.test(`${code} (HTTP ${status}) ${what}; its effect is ${effect}`, async () => {
    await using api = await ScriptedApi.start(refusing(status, code));
    const fault = await faultOf(api.url, "RegisterTargets");
    assertEquals([fault.code, fault.retryable, fault.effect, fault.retryAfter], [
      code.replace(/^TooManyRequestsException$/, "TooManyRequests"),
      retryable,
      effect,
      undefined,
    ]);
    assertMatch(fault.message, new RegExp(`^RegisterTargets: ${fault.code}: A message\\b`));
    assertMatch(fault.message, new RegExp(`\\(HTTP ${status}\\)$`));
    assertEquals(api.received.length, 1, "there is one retry layer, and this is not it");
  });
}

for (const code of ["AccessDenied", "AccessDeniedException", "UnauthorizedOperation"]) {
  Deno.test(`${code} names the action that the policy must allow, and on what`, async () => {
    await using api = await ScriptedApi.start(refusing(403, code));
    assertMatch(
      (await faultOf(api.url, "RegisterTargets")).message,
      new RegExp(`must allow elasticloadbalancing:RegisterTargets on ${ARN}`),
    );
    assertMatch(
      (await faultOf(api.url, "DeregisterTargets")).message,
      new RegExp(`must allow elasticloadbalancing:DeregisterTargets on ${ARN}`),
    );
    assertMatch(
      (await faultOf(api.url, "DescribeTargetGroups")).message,
      /must allow elasticloadbalancing:DescribeTargetGroups on \*/,
    );
    assertMatch(
      (await faultOf(api.url, "DescribeTargetHealth")).message,
      /must allow elasticloadbalancing:DescribeTargetHealth on \*/,
    );
  });
}

const REMEDIES: readonly (readonly [string, RegExp])[] = [
  ["ExpiredToken", /; the session token has expired: give the pod a role/],
  ["ExpiredTokenException", /; the session token has expired: give the pod a role/],
  ["InvalidClientTokenId", /; AWS does not know the access key/],
  ["UnrecognizedClientException", /; AWS does not know the access key/],
  ["SignatureDoesNotMatch", /; the secret access key does not belong to the access key/],
  ["MissingAuthenticationToken", /; the request came unsigned/],
];

for (const [code, remedy] of REMEDIES) {
  Deno.test(`${code} is said with what to do about it`, async () => {
    await using api = await ScriptedApi.start(refusing(403, code));
    assertMatch((await faultOf(api.url)).message, remedy);
  });
}

Deno.test("a signature for another region is not blamed on the key", async () => {
  const message = "Credential should be scoped to a valid region, not 'us-east-1'.";
  await using api = await ScriptedApi.start(refusing(403, "SignatureDoesNotMatch", message));
  assertMatch((await faultOf(api.url)).message, /'us-east-1'; the endpoint is of another region/);
});

Deno.test("the request's id is said where the API gives one", async () => {
  await using api = await ScriptedApi.start((_, exchange) =>
    answer(exchange, failure("ValidationError"), {
      status: 400,
      headers: { "x-amzn-requestid": "f6915dc3" },
    })
  );
  assertEquals(
    (await faultOf(api.url)).message,
    "DescribeTargetGroups: ValidationError: A message (HTTP 400, request f6915dc3)",
  );
});

const SKEWED = [
  "Signature expired: 20261123T000000Z is now earlier than 20261123T001000Z",
  "Signature not yet current: 20261123T002000Z is still later than 20261123T001500Z",
];

for (const message of SKEWED) {
  Deno.test(`clocks that differ are allowed for: ${message}`, async () => {
    await using api = await ScriptedApi.start(refusing(403, "SignatureDoesNotMatch", message));
    const fault = await faultOf(api.url);
    assertEquals([fault.retryable, fault.effect], [true, "none"]);
    assertMatch(fault.message, /; the node's clock differs from the API's/);
  });
}

Deno.test("RequestExpired is the clock too", async () => {
  await using api = await ScriptedApi.start(refusing(400, "RequestExpired", "Request has expired"));
  const fault = await faultOf(api.url);
  assertEquals(fault.retryable, true);
  assertMatch(fault.message, /; the node's clock differs/);
});

const RETRY_AFTER: readonly (readonly [string, (header: number) => string, number])[] = [
  ["in seconds", (seconds) => String(seconds), 30],
  ["as a date", (seconds) => new Date(Date.now() + seconds * 1_000).toUTCString(), 3_000],
];

for (const [how, header, seconds] of RETRY_AFTER) {
  Deno.test(`Retry-After ${how} is handed on in milliseconds`, async () => {
    await using api = await ScriptedApi.start((_, exchange) =>
      answer(exchange, failure("Throttling"), {
        status: 400,
        headers: { "retry-after": header(seconds) },
      })
    );
    const hint = (await faultOf(api.url)).retryAfter ?? NaN;
    assert(hint <= seconds * 1_000 && hint > seconds * 1_000 - 60_000 && hint > 0, String(hint));
  });
}

Deno.test("a Retry-After that is over by now is no time at all", async () => {
  await using api = await ScriptedApi.start((_, exchange) =>
    answer(exchange, failure("Throttling"), {
      status: 400,
      headers: { "retry-after": "Mon, 01 Jan 2024 00:00:00 GMT" },
    })
  );
  assertEquals((await faultOf(api.url)).retryAfter, 0);
});

const NETWORK: readonly (readonly [string, Script, string])[] = [
  ["a reset", (_, exchange) => exchange.reset(), "NoAnswer"],
  [
    "a reply that is cut off",
    ({ action }, exchange) => exchange.cut({ status: 200, headers: {}, body: result(action) }),
    "NoAnswer",
  ],
  ["a proxy's page", (_, exchange) => answer(exchange, "<html></html>"), "UnexpectedReply"],
  [
    "a proxy's error page",
    (_, exchange) => answer(exchange, "<html></html>", { status: 403 }),
    "UnexpectedReply",
  ],
  ["an empty reply", (_, exchange) => answer(exchange, ""), "UnexpectedReply"],
];

for (const [what, script, code] of NETWORK) {
  Deno.test(`${what} says nothing of the effect, and may go better later`, async () => {
    await using api = await ScriptedApi.start(script);
    const fault = await faultOf(api.url, "DeregisterTargets");
    assertEquals([fault.code, fault.retryable, fault.effect], [code, true, "unknown"]);
    assertMatch(fault.message, new RegExp(`^DeregisterTargets: .*127.0.0.1:${api.port}`));
  });
}

Deno.test("a refused connection means that the call had no effect, and may go better later", async () => {
  const fault = await faultOf(closedUrl(), "DeregisterTargets");
  assertEquals([fault.code, fault.retryable, fault.effect], ["NoAnswer", true, "none"]);
});

function closedUrl(): string {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return `http://127.0.0.1:${listener.addr.port}`;
}

Deno.test("a message of many lines becomes one, without what it quotes of the request", async () => {
  const message = "The signature does not match.\n\nThe Canonical String should have been\n" +
    "x-amz-security-token:FwoGZXIvYXdzEBYaD\nSignature=0123";
  await using api = await ScriptedApi.start(refusing(403, "SignatureDoesNotMatch", message));
  const sentence = (await faultOf(api.url)).message;
  assertMatch(sentence, /SignatureDoesNotMatch: The signature does not match; the secret access/);
  assert(!/\n|FwoG|0123/.test(sentence), sentence);
});

const QUOTING: readonly string[] = [
  "not a valid key=value pair in Authorization header: 'AWS4-HMAC-SHA256 Credential=AKIA/x SECRET",
  "Authorization=AWS4-HMAC-SHA256 SECRET",
  "x-amz-security-token: SECRET",
  "X-Amz-Signature=SECRET",
  "Credential = AKIA/SECRET",
  `token ${"SECRET+/a".repeat(20)}== is not valid`,
  "token eyJhbGciOiJSUzI1NiJ9.SECRET.SECRET is not valid",
];

for (const message of QUOTING) {
  Deno.test(`no secret is left of: ${message.slice(0, 60)}`, () => {
    const error = Object.assign(new Error(message), {
      name: "Refused",
      $metadata: { httpStatusCode: 400 },
    });
    const context = { call: "RegisterTargets", resource: ARN, source: undefined } as const;
    for (const sent of [true, false]) {
      const fault = toApiError(error, { ...context, sent });
      assert(!fault.message.includes("SECRET"), fault.message);
      assertMatch(fault.message, /Refused/);
    }
  });
}

/** What goes wrong before the request goes out. */
interface Unsent {
  readonly what: string;
  readonly error: unknown;
  readonly source?: string;
  readonly code: string;
  readonly retryable: boolean;
  readonly sentence: RegExp;
}

const sts = (name: string, status: number, more = {}) =>
  Object.assign(new Error("A message"), { name, $metadata: { httpStatusCode: status }, ...more });
const file = (code: string) =>
  Object.assign(new Error(`${code}: it went wrong, open '/var/run/token'`), { code });

const UNSENT: readonly Unsent[] = [
  {
    what: "a refusal by STS",
    error: sts("RegionDisabledException", 403),
    code: "RegionDisabled",
    retryable: false,
    sentence: /: STS refused to give AWS credentials \(RegionDisabled: A message\)$/,
  },
  {
    what: "an STS that is throttled",
    error: sts("ThrottlingException", 400),
    code: "ThrottlingException",
    retryable: true,
    sentence: /: STS failed to give AWS credentials \(ThrottlingException: A message\)$/,
  },
  {
    what: "an identity provider that STS cannot reach now",
    error: sts("IDPCommunicationErrorException", 400, { $retryable: {} }),
    code: "IDPCommunicationError",
    retryable: true,
    sentence: /: STS failed to give AWS credentials \(IDPCommunicationError: A message\)$/,
  },
  {
    what: "a token file that is not there",
    error: file("ENOENT"),
    code: "NoCredentials",
    retryable: false,
    sentence: /: the file \/var\/run\/token, .*, does not exist: see the volumes of the pod/,
  },
  {
    what: "a token file that may not be read",
    error: file("EACCES"),
    code: "NoCredentials",
    retryable: false,
    sentence: /: the file \/var\/run\/token, .*, cannot be read: give the pod an fsGroup/,
  },
  {
    what: "a token file that is odd in another way",
    error: file("EIO"),
    code: "NoCredentials",
    retryable: true,
    sentence: /: the AWS credentials could not be fetched: EIO: it went wrong/,
  },
  {
    what: "a user without a home folder",
    error: new TypeError('The "path" argument must be of type string. Received null'),
    code: "NoCredentials",
    retryable: false,
    sentence: /: the user of this process has no home folder, .* set HOME/,
  },
  {
    what: "a permission that Deno was not given",
    error: new Deno.errors.NotCapable('Requires read access to "/token"'),
    code: "NoCredentials",
    retryable: false,
    sentence: /: Deno does not allow what credentials need: Requires read access/,
  },
  {
    what: "an agent that the SDK has a misleading word for",
    error: new Error("169.254.170.23 is not a valid container metadata service hostname"),
    source: "the EKS Pod Identity agent (connect ECONNREFUSED 169.254.170.23:80)",
    code: "NoCredentials",
    retryable: true,
    sentence:
      /: no AWS credentials came from the EKS Pod Identity agent \(connect .*\): see whether/,
  },
  {
    what: "something that is no error at all",
    error: "a string",
    code: "NoCredentials",
    retryable: true,
    sentence: /: the AWS credentials could not be fetched: a string$/,
  },
];

for (const { what, error, source, code, retryable, sentence } of UNSENT) {
  Deno.test(`${what} is a fault of the credentials, without effect`, () => {
    const fault = toApiError(error, {
      call: "RegisterTargets",
      resource: ARN,
      sent: false,
      source,
    });
    assertEquals([fault.code, fault.retryable, fault.effect], [code, retryable, "none"]);
    assertMatch(fault.message, sentence);
  });
}
