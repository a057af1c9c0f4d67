import {
  DescribeTargetGroupsCommand,
  ElasticLoadBalancingV2Client,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { startEmulator } from "../../emulator/server.ts";
import { bench, clientOptions, refused } from "./bench.ts";
import type { Bench } from "./bench.ts";

const VERSION = "Version=2015-12-01";

/** A moment as `x-amz-date` has it. */
function amzDate(time = Date.now()): string {
  return new Date(time).toISOString().replaceAll(/[-:]|\.\d+/g, "");
}

/** What the headers of a call say; by default what they should. */
interface Signed {
  readonly keyId?: string;
  readonly date?: string;
  readonly scopeDate?: string;
  readonly region?: string;
  readonly service?: string;
  readonly signedHeaders?: string;
}

function signedHeaders(signed: Signed = {}): Record<string, string> {
  const date = signed.date ?? amzDate();
  const scope = [
    signed.keyId ?? "AKIAIOSFODNN7EXAMPLE",
    signed.scopeDate ?? date.slice(0, 8),
    signed.region ?? "eu-west-1",
    signed.service ?? "elasticloadbalancing",
    "aws4_request",
  ].join("/");
  return {
    "content-type": "application/x-www-form-urlencoded",
    "x-amz-date": date,
    "authorization": `AWS4-HMAC-SHA256 Credential=${scope}, ` +
      `SignedHeaders=${signed.signedHeaders ?? "host;x-amz-date"}, Signature=${"0".repeat(64)}`,
  };
}

interface Answer {
  readonly status: number;
  readonly code: string | undefined;
  readonly body: string;
}

async function post(
  at: Bench,
  body: string,
  headers: Record<string, string> = signedHeaders(),
): Promise<Answer> {
  const response = await fetch(at.emulator.url, { method: "POST", body, headers });
  const text = await response.text();
  return { status: response.status, code: /<Code>(\w+)<\/Code>/.exec(text)?.[1], body: text };
}

async function answers(
  at: Bench,
  request: { body?: string; headers?: Record<string, string> },
  status: number,
  code: string,
  words = "",
): Promise<void> {
  const answer = await post(
    at,
    request.body ?? `Action=DescribeTargetGroups&${VERSION}`,
    request.headers,
  );
  assertEquals([answer.status, answer.code], [status, code], answer.body);
  assertStringIncludes(answer.body, words);
}

Deno.test("an error has the shape of AWS's errors", async () => {
  await using at = await bench();
  const { body, status } = await post(at, `Action=DescribeTargetGroups&${VERSION}&Marker=%3C`);
  assertEquals(status, 400);
  assertMatch(
    body,
    /^<ErrorResponse xmlns="http:\/\/elasticloadbalancing.amazonaws.com\/doc\/2015-12-01\/"><Error><Type>Sender<\/Type><Code>ValidationError<\/Code><Message>Marker &apos;&lt;&apos; is not valid<\/Message><\/Error><RequestId>[0-9a-f-]{36}<\/RequestId><\/ErrorResponse>$/,
  );
});

Deno.test("a result has the shape of AWS's results", async () => {
  await using at = await bench();
  const response = await fetch(at.emulator.url, {
    method: "POST",
    headers: signedHeaders(),
    body: `Action=RegisterTargets&${VERSION}&TargetGroupArn=${encodeURIComponent(at.arn)}` +
      "&Targets.member.1.Id=10.0.0.1",
  });
  const id = response.headers.get("x-amzn-requestid");
  assertEquals(
    await response.text(),
    '<RegisterTargetsResponse xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/">' +
      "<RegisterTargetsResult/>" +
      `<ResponseMetadata><RequestId>${id}</RequestId></ResponseMetadata></RegisterTargetsResponse>`,
  );
  assertEquals(response.headers.get("content-type"), "text/xml");
});

Deno.test("a query by GET is answered as well", async () => {
  await using at = await bench();
  const url = `${at.emulator.url}/?Action=DescribeTargetGroups&${VERSION}`;
  const response = await fetch(url, { headers: signedHeaders() });
  assertStringIncludes(await response.text(), "<TargetGroupName>kafka</TargetGroupName>");
});

Deno.test("unknown and missing actions and versions are refused", async () => {
  await using at = await bench();
  await answers(at, { body: `Action=CreateWorld&${VERSION}` }, 400, "InvalidAction", "CreateWorld");
  await answers(at, { body: `Action=toString&${VERSION}` }, 400, "InvalidAction");
  await answers(at, { body: VERSION }, 400, "MissingAction");
  await answers(at, { body: "" }, 400, "MissingAction");
  const noVersion = "Action=DescribeTargetGroups";
  await answers(at, { body: noVersion }, 400, "InvalidAction", "NO_VERSION_SPECIFIED");
  await answers(at, { body: `${noVersion}&Version=2012-06-01` }, 400, "InvalidAction", "2012");
});

Deno.test("parameters that the emulator does not know are refused", async () => {
  await using at = await bench();
  const groups = `Action=DescribeTargetGroups&${VERSION}`;
  await answers(at, { body: `${groups}&Colour=red` }, 400, "ValidationError", "Colour");
  await answers(at, { body: `${groups}&Names.member.1.x=1` }, 400, "MalformedQueryString");
  await answers(at, { body: `${groups}&Names.member.2=kafka` }, 400, "MalformedQueryString");
  await answers(at, { body: `${groups}&Names.member.x=kafka` }, 400, "MalformedQueryString");
  await answers(at, { body: `${groups}&Marker=1&Marker=2` }, 400, "MalformedQueryString");
  await answers(at, { body: `${groups}&PageSize=ten` }, 400, "MalformedInput");
  const register = `Action=RegisterTargets&${VERSION}&TargetGroupArn=${
    encodeURIComponent(at.arn)
  }&Targets.member.1.Id=10.0.0.1`;
  const quic = `${register}&Targets.member.1.QuicServerId=0x1`;
  await answers(at, { body: quic }, 400, "ValidationError", "QuicServerId");
  assertEquals(at.emulator.registered("kafka"), []);
});

Deno.test("an unsigned call is refused", async () => {
  await using at = await bench();
  await answers(at, { headers: {} }, 403, "MissingAuthenticationToken");
});

Deno.test("a signature of the wrong shape is refused", async () => {
  await using at = await bench();
  const headers = { ...signedHeaders(), authorization: "Bearer me" };
  await answers(at, { headers }, 400, "IncompleteSignature");
  const noDate = signedHeaders({ signedHeaders: "host" });
  await answers(at, { headers: noDate }, 403, "SignatureDoesNotMatch");
  const noTime = signedHeaders({ date: "yesterday", scopeDate: "yesterda" });
  await answers(at, { headers: noTime }, 400, "IncompleteSignature", "yesterday");
});

Deno.test("a signature of the wrong scope is refused", async () => {
  await using at = await bench();
  const refusedScope = (signed: Signed, words: string) =>
    answers(at, { headers: signedHeaders(signed) }, 403, "SignatureDoesNotMatch", words);
  await refusedScope({ service: "ec2" }, "correct service");
  await refusedScope({ region: "us-east-1" }, "us-east-1");
  await refusedScope({ scopeDate: "20200101" }, "Date in Credential scope");
});

Deno.test("an unknown key, and a session token that does not belong, are refused", async () => {
  await using at = await bench();
  const stranger = signedHeaders({ keyId: "AKIASTRANGER" });
  await answers(at, { headers: stranger }, 403, "InvalidClientTokenId");
  const headers = { ...signedHeaders(), "x-amz-security-token": "mine" };
  await answers(at, { headers }, 403, "InvalidClientTokenId");
});

Deno.test("a signature of another time is refused", async () => {
  await using at = await bench();
  const at6 = (sign: number) => ({
    headers: signedHeaders({ date: amzDate(Date.now() + sign * 360_000) }),
  });
  await answers(at, at6(-1), 403, "SignatureDoesNotMatch", "Signature expired");
  await answers(at, at6(1), 403, "SignatureDoesNotMatch", "Signature not yet current");
});

Deno.test("the SDK follows a clock that is off, by the Date of the refusal", async () => {
  await using emulator = await startEmulator({
    groups: [{ name: "kafka" }],
    faults: [{ what: "clock-skew", seconds: 3600 }],
  });
  const client = new ElasticLoadBalancingV2Client({ ...clientOptions(emulator), maxAttempts: 2 });
  await client.send(new DescribeTargetGroupsCommand({}));
  client.destroy();
  assertEquals(emulator.calls.map(({ status, code }) => code ?? status), [
    "SignatureDoesNotMatch",
    200,
  ]);
});

Deno.test("a key of the test's own is known by its identity", async () => {
  await using at = await bench({
    groups: [{ name: "kafka" }],
    accessKeys: [{ accessKeyId: "AKIAFILE", secretAccessKey: "secret", identity: "file" }],
  });
  await post(at, `Action=DescribeTargetGroups&${VERSION}`, signedHeaders({ keyId: "AKIAFILE" }));
  assertEquals(at.emulator.calls[0]?.identity, "file");
});

Deno.test("other paths are not found, and no calls", async () => {
  await using at = await bench();
  const response = await fetch(`${at.emulator.url}/somewhere`);
  await response.body?.cancel();
  assertEquals([response.status, at.emulator.calls], [404, []]);
});

Deno.test("connections are kept alive, and told apart", async () => {
  await using at = await bench();
  await at.client.send(new DescribeTargetGroupsCommand({}));
  await at.client.send(new DescribeTargetGroupsCommand({}));
  at.client.destroy();
  await at.client.send(new DescribeTargetGroupsCommand({}));
  assertEquals(at.emulator.calls.map(({ connection }) => connection), [1, 1, 2]);
});

Deno.test("a group that cannot be is refused with all that is wrong", async () => {
  const start = () => startEmulator({ groups: [{ name: "-a", port: 0, timeScale: 0 }] });
  const error = await start().then(() => undefined, (reason: unknown) => reason);
  assertThrows(
    () => {
      throw error;
    },
    RangeError,
    'Cannot make target group "-a": a name is at most 32 letters, digits and inner hyphens; ' +
      "port 0 is not within 1 and 65535; a time scale is more than 0 and not 0",
  );
});

Deno.test("the client's own errors name the code as the wire has it", async () => {
  await using at = await bench();
  const call = at.client.send(new DescribeTargetGroupsCommand({ Names: ["no"] }));
  const error = await refused(call, "TargetGroupNotFound", 400);
  assertEquals(error.name, "TargetGroupNotFoundException");
});
