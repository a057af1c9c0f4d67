import { assert, assertEquals, assertMatch } from "@std/assert";
import { type ApiCall, type ApiError, isGroupNotFound } from "../../../lib/aws/errors.ts";
import { toApiError } from "../../../lib/aws/sdk_errors.ts";
import { PrivateServer } from "../../emulator/private_server.ts";
import { test } from "../../test.ts";
import {
  answer,
  ARN,
  closedPort,
  errorOf,
  failure,
  result,
  type Script,
  ScriptedApi,
} from "./_api.ts";

/** Status, code, whether the call may go better later, whether it can have had its effect. */
const ANSWERS: readonly (readonly [number, string, boolean, ApiError["effect"]])[] = [
  [400, "Throttling", true, "none"],
  [400, "ThrottlingException", true, "none"],
  [400, "RequestLimitExceeded", true, "none"],
  [400, "RequestThrottled", true, "none"],
  [400, "SlowDown", true, "none"],
  [429, "Whatever", true, "none"],
  [400, "RequestTimeout", true, "none"],
  [500, "InternalFailure", true, "unknown"],
  [500, "HealthUnavailable", true, "unknown"],
  [501, "NotImplemented", true, "unknown"],
  [502, "BadGateway", true, "unknown"],
  [503, "ServiceUnavailable", true, "unknown"],
  [504, "GatewayTimeout", true, "unknown"],
  // Room comes when other targets leave.
  [400, "TooManyTargets", true, "none"],
  [400, "TargetGroupNotFound", false, "none"],
  [400, "InvalidTarget", false, "none"],
  [400, "TooManyRegistrationsForTargetId", false, "none"],
  [400, "ValidationError", false, "none"],
  [403, "AccessDenied", false, "none"],
  // The tests' keys are those of the environment, which cannot change.
  [403, "ExpiredToken", false, "none"],
  [403, "InvalidClientTokenId", false, "none"],
  [403, "SignatureDoesNotMatch", false, "none"],
  [403, "OptInRequired", false, "none"],
];

type Headers = Readonly<Record<string, string>>;

/** What a call fails with, where the API answers like this; it must be called once. */
async function refusal(
  reply: { status?: number; code: string; message?: string; headers?: Headers },
  call?: ApiCall,
): Promise<ApiError> {
  const { status = 403, code, message, headers = {} } = reply;
  await using api = await ScriptedApi.start((_, exchange) =>
    answer(exchange, failure(code, message), { status, headers })
  );
  const error = await errorOf(api.url, call);
  assertEquals(api.received.length, 1, "there is one retry layer, and this is not it");
  return error;
}

test("an error of the API keeps its code, and is retryable or final; its effect is known", async () => {
  for (const [status, code, retryable, effect] of ANSWERS) {
    const error = await refusal({ status, code }, "RegisterTargets");
    const { retryAfter } = error;
    assertEquals([error.code, error.retryable, error.effect, retryAfter], [
      ...[code, retryable, effect, undefined],
    ]);
    assertMatch(error.message, new RegExp(`^RegisterTargets: ${code}: A message\\b`));
    assertMatch(error.message, new RegExp(`\\(HTTP ${status}\\)$`));
    assertEquals(isGroupNotFound(error), code === "TargetGroupNotFound");
  }
});

test("a denial names the action that the policy must allow, and on what", async () => {
  const calls = {
    RegisterTargets: ARN,
    DeregisterTargets: ARN,
    DescribeTargetGroups: "\\*",
    DescribeTargetHealth: "\\*",
  };
  for (const code of ["AccessDenied", "AccessDeniedException", "UnauthorizedOperation"]) {
    for (const [call, resource] of Object.entries(calls) as [keyof typeof calls, string][]) {
      const error = await refusal({ code }, call);
      assertMatch(
        error.message,
        new RegExp(`must allow elasticloadbalancing:${call} on ${resource}`),
      );
    }
  }
});

/** Code, message, and what the error says to do. */
const REMEDIES: readonly (readonly [string, string | undefined, RegExp])[] = [
  ["ExpiredToken", undefined, /; the session token has expired: give the pod a role/],
  ["ExpiredTokenException", undefined, /; the session token has expired: give the pod a role/],
  ["InvalidClientTokenId", undefined, /; AWS does not know the access key/],
  ["UnrecognizedClientException", undefined, /; AWS does not know the access key/],
  ["InvalidSignatureException", undefined, /; the secret access key does not belong to the/],
  ["SignatureDoesNotMatch", undefined, /; the secret access key does not belong to the access key/],
  ["MissingAuthenticationToken", undefined, /; the request was not signed/],
  ["TooManyTargets", undefined, /; a Network Load Balancer takes 500 targets .* at most 3,000/],
  [
    "ValidationError",
    "The IP address 'i-1234abcd' is not a valid IPv4 address",
    /address; the target group takes IP addresses: set -target-id to the pod's \(status.podIP\)/,
  ],
  [
    "SignatureDoesNotMatch",
    "Credential should be scoped to a valid region, not 'us-east-1'.",
    /'us-east-1'; the endpoint belongs to another region/,
  ],
  [
    "SignatureDoesNotMatch",
    "It does not match.\n\nThe Canonical String should be\nx-amz-security-token:FwoG",
    /: SignatureDoesNotMatch: It does not match; the secret access key [^\n]*$/,
  ],
];

test("an error says what to do about it, in one line", async () => {
  for (const [code, message, remedy] of REMEDIES) {
    assertMatch((await refusal({ code, ...(message && { message }) })).message, remedy);
  }
});

test("an error names the request, and is short and one line, whatever the API says", async () => {
  const code = "E\u001b[2J exit_code=0 ".repeat(40_000);
  const short = await refusal({
    ...{ status: 400, code: "ValidationError", headers: { "x-amzn-requestid": "f6915dc3" } },
  });
  assertEquals(
    short.message,
    "DescribeTargetGroups: ValidationError: A message (HTTP 400, request f6915dc3)",
  );
  const headers = { "x-amzn-requestid": "i".repeat(5_000) };
  const error = await refusal({ code, message: "m ".repeat(150_000), headers });
  assertMatch(error.code, /^[\w.:/-]{1,64}$/);
  assert(error.message.length < 1_000, `${error.message.length} characters`);
  assert(!error.message.includes("exit_code="), error.message);
  assert(!error.message.includes("\u001b"), error.message);
});

test("clocks that differ are allowed for", async () => {
  const cases = [
    [
      "SignatureDoesNotMatch",
      "Signature expired: 20261123T000000Z is now earlier than 20261123T001000Z",
    ],
    [
      "SignatureDoesNotMatch",
      "Signature not yet current: 20261123T002000Z is still later than 20261123T001500Z",
    ],
    ["RequestExpired", "Request has expired"],
  ];
  for (const [code = "", message = ""] of cases) {
    const error = await refusal({ code, message });
    assertEquals([error.retryable, error.effect], [true, "none"]);
    assertMatch(error.message, /; the node's clock is wrong/);
  }
});

test("Retry-After, in seconds or as a date, is handed on in milliseconds", async () => {
  const soon = new Date(Date.now() + 3_000_000).toUTCString();
  const cases = [["30", 30], [soon, 3_000], ["Mon, 01 Jan 2024 00:00:00 GMT", 0]] as const;
  for (const [header, seconds] of cases) {
    const headers = { "retry-after": header };
    const hint = (await refusal({ status: 400, code: "Throttling", headers })).retryAfter ?? NaN;
    assert(hint <= seconds * 1_000 && hint >= Math.max(0, seconds - 60) * 1_000, `${hint}`);
  }
  for (const [header, hint] of [["9".repeat(20), Infinity], ["soon", undefined]] as const) {
    const headers = { "retry-after": header };
    assertEquals((await refusal({ status: 400, code: "Throttling", headers })).retryAfter, hint);
  }
});

test("no answer, and what is none, says nothing of the effect and may go better later", async () => {
  const scripts: readonly (readonly [Script, string])[] = [
    [(_, exchange) => exchange.reset(), "NoAnswer"],
    [
      ({ action }, exchange) => exchange.cut({ status: 200, headers: {}, body: result(action) }),
      "NoAnswer",
    ],
    [(_, exchange) => answer(exchange, "<html></html>"), "UnexpectedReply"],
    [(_, exchange) => answer(exchange, "<html></html>", { status: 403 }), "UnexpectedReply"],
    [(_, exchange) => answer(exchange, "", { status: 307 }), "UnexpectedReply"],
    [(_, exchange) => answer(exchange, ""), "UnexpectedReply"],
  ];
  for (const [script, code] of scripts) {
    await using api = await ScriptedApi.start(script);
    const error = await errorOf(api.url, "DeregisterTargets");
    assertEquals([error.code, error.retryable, error.effect], [code, true, "unknown"]);
    assertMatch(error.message, new RegExp(`^DeregisterTargets: .*127.0.0.1:${api.port}`));
    assert(!error.message.includes("http://"), error.message);
  }
  const port = closedPort();
  const refused = await errorOf(`http://127.0.0.1:${port}`, "DeregisterTargets");
  assertEquals([refused.code, refused.retryable, refused.effect], ["NoAnswer", true, "none"]);
  assertEquals(
    refused.message,
    `DeregisterTargets: no answer from 127.0.0.1:${port}: ` +
      "tcp connect error: Connection refused (os error 111)",
  );
});

test("an endpoint that speaks another protocol: the error says which one to write", async () => {
  await using api = await ScriptedApi.start((_, exchange) => answer(exchange, failure("X")));
  const folder = await Deno.makeTempDir();
  using server = await PrivateServer.start(folder, api.url);
  const cases = [
    [api.url.replace("http:", "https:"), /InvalidContentType: .* use http:\/\/ in -endpoint-url/],
    [
      server.url.replace("https:", "http:"),
      /invalid HTTP version.*: .* use https:\/\/ in -endpoint/,
    ],
    [server.url, /UnknownIssuer: .* set DENO_TLS_CA_STORE=system, and SSL_CERT_FILE to the file/],
  ] as const;
  for (const [url, message] of cases) assertMatch((await errorOf(url)).message, message);
  await Deno.remove(folder, { recursive: true });
});

/** Whole replies by their root element, with what no XML parser takes in them. */
const BROKEN = ["<a></b>", "<<<>>>&&&", "<Unclosed>", "<a b='c></a>"];

test("a success that cannot be parsed may have had its effect, and is no refusal", async () => {
  for (const call of ["RegisterTargets", "DeregisterTargets", "DescribeTargetHealth"] as const) {
    for (const inside of BROKEN) {
      await using api = await ScriptedApi.start((_, exchange) =>
        answer(exchange, `<${call}Response xmlns="x">${inside}</${call}Response>`)
      );
      const { code, retryable, effect, message } = await errorOf(api.url, call);
      assertEquals([code, retryable, effect], ["UnexpectedReply", true, "unknown"], inside);
      assertMatch(
        message,
        new RegExp(`^${call}: .*\\(HTTP 200\\) cannot be parsed: .*: check for a`),
      );
    }
  }
});

const QUOTING = [
  "not a valid key=value pair in Authorization header: 'AWS4-HMAC-SHA256 Credential=AKIA/x SECRET",
  "Authorization=AWS4-HMAC-SHA256 SECRET",
  "x-amz-security-token: SECRET",
  "X-Amz-Signature=SECRET",
  "Credential = AKIA/SECRET",
  `token ${"SECRET+/a".repeat(20)}== is not valid`,
  "token eyJhbGciOiJSUzI1NiJ9.SECRET.SECRET is not valid",
  // At the limit of what is read, and a run that quadratic patterns would choke on.
  `${"word ".repeat(399)}SECRET${"+/a".repeat(200)}`,
  `${"x-amz-".repeat(200_000)}: SECRET`,
  `${"eyJ-".repeat(200_000)}.SECRET`,
];

test("no secret is left of a message that quotes the request", () => {
  for (const message of QUOTING) {
    const $metadata = { httpStatusCode: 400 };
    const error = Object.assign(new Error(message), { name: "Refused", $metadata });
    const started = performance.now();
    for (const sent of [true, false]) {
      const context = { call: "RegisterTargets", resource: ARN, source: undefined, sent } as const;
      const { message } = toApiError(error, context);
      assert(!message.includes("SECRET"), message);
      assertMatch(message, /Refused/);
    }
    assert(performance.now() - started < 500, `it took too long: ${message.slice(0, 50)}`);
  }
});

const sts = (name: string, status: number, more = {}) =>
  Object.assign(new Error("A message"), { name, $metadata: { httpStatusCode: status }, ...more });
const file = (code: string) =>
  Object.assign(new Error(`${code}: it went wrong, open '/var/run/token'`), { code });

/** What goes wrong before the request goes out; the code, whether it is retryable, the message. */
const UNSENT: readonly (readonly [unknown, string, boolean, RegExp])[] = [
  [
    sts("RegionDisabledException", 403),
    ...["RegionDisabled", false] as const,
    /: STS refused to return AWS credentials \(RegionDisabled: A message\)$/,
  ],
  [
    sts("ThrottlingException", 400),
    ...["ThrottlingException", true] as const,
    /: STS failed to return AWS credentials \(ThrottlingException: A message\)$/,
  ],
  [
    sts("IDPCommunicationErrorException", 400, { $retryable: {} }),
    ...["IDPCommunicationError", true] as const,
    /: STS failed to return AWS credentials \(IDPCommunicationError: A message\)$/,
  ],
  [
    file("ENOENT"),
    ...["NoCredentials", false] as const,
    /: the file \/var\/run\/token, .*, does not exist/,
  ],
  [
    file("EACCES"),
    ...["NoCredentials", false] as const,
    /: the file \/var\/run\/token, .*, cannot be read: give the pod an fsGroup/,
  ],
  [
    file("EIO"),
    ...["NoCredentials", true] as const,
    /: failed to fetch AWS credentials: EIO: it went wrong/,
  ],
  [
    new TypeError('The "path" argument must be of type string. Received null'),
    ...["NoCredentials", false] as const,
    /: the user of this process has no home folder, .* set HOME/,
  ],
  [
    new Deno.errors.NotCapable('Requires read access to "/token"'),
    ...["NoCredentials", false] as const,
    /: Deno denies a permission that AWS credentials need: Requires read access/,
  ],
  [
    new Error("169.254.170.23 is not a valid container metadata service hostname"),
    ...["NoCredentials", true] as const,
    /: no AWS credentials came from the EKS Pod Identity agent \(connect .*\): /,
  ],
  ["a string", "NoCredentials", true, /: failed to fetch AWS credentials: a string$/],
];

test("what goes wrong before the request goes out is an error of the credentials", () => {
  const source = "the EKS Pod Identity agent (connect ECONNREFUSED 169.254.170.23:80)";
  for (const [error, code, retryable, message] of UNSENT) {
    const context = { call: "RegisterTargets", resource: ARN, sent: false, source } as const;
    const apiError = toApiError(error, context);
    assertEquals([apiError.code, apiError.retryable, apiError.effect], [code, retryable, "none"]);
    assertMatch(apiError.message, message);
  }
});
