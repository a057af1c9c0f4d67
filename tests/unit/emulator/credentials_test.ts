/** Who gets credentials, and who does not: the end-to-end tests show that AWS's SDK finds them. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Emulator } from "../../emulator/emulator.ts";
import { startEmulator } from "../../emulator/server.ts";

async function get(emulator: Emulator, path: string, init: RequestInit = {}) {
  const response = await fetch(emulator.url + path, init);
  return { status: response.status, text: await response.text() };
}

Deno.test("the container endpoint wants its token, and GET", async () => {
  await using emulator = await startEmulator();
  const path = "/v1/credentials";
  const headers = { authorization: emulator.trust.containerToken };
  assertEquals((await get(emulator, path)).status, 403);
  assertEquals((await get(emulator, path, { headers, method: "PUT" })).status, 405);
  const { status, text } = await get(emulator, path, { headers });
  const reply: Record<string, unknown> = JSON.parse(text);
  const names = ["AccessKeyId", "SecretAccessKey", "Token", "Expiration", "RoleArn"];
  assertEquals([status, Object.keys(reply)], [200, names]);
  assertMatch(String(reply["Expiration"]), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
});

Deno.test("IMDS answers to its token only", async () => {
  await using emulator = await startEmulator();
  const [token, role] = ["/latest/api/token", "/latest/meta-data/iam/security-credentials/"];
  const ttl = { "x-aws-ec2-metadata-token-ttl-seconds": "21600" };
  const { text } = await get(emulator, token, { method: "PUT", headers: ttl });
  const headers = { "x-aws-ec2-metadata-token": text };
  const cases: readonly [path: string, init: RequestInit, status: number, text: string][] = [
    [role, {}, 401, ""],
    [token, {}, 405, ""],
    [token, { method: "PUT" }, 400, ""],
    [role, { headers }, 200, "node-role"],
    [`${role}node-role`, { headers }, 200, '"Success"'],
    [`${role}other-role`, { headers }, 404, ""],
    [role, { headers, method: "PUT" }, 405, ""],
    ["/latest/meta-data/placement/region", { headers }, 200, "eu-west-1"],
  ];
  for (const [path, init, status, words] of cases) {
    const answer = await get(emulator, path, init);
    assertEquals(answer.status, status, path);
    assertStringIncludes(answer.text, words);
  }
});

function assume(emulator: Emulator, changes: Record<string, string> = {}) {
  const body = new URLSearchParams({
    ...{ Action: "AssumeRoleWithWebIdentity", Version: "2011-06-15", RoleSessionName: "test" },
    ...{ RoleArn: emulator.trust.roleArn, WebIdentityToken: emulator.trust.webIdentityToken },
    ...changes,
  });
  return get(emulator, "/", { method: "POST", body });
}

for (
  const [changes, status, code] of [
    [{ WebIdentityToken: "me" }, 400, "InvalidIdentityToken"],
    [{ WebIdentityToken: "expired-web-identity-token" }, 400, "ExpiredTokenException"],
    [{ RoleArn: "arn:aws:iam::123456789012:role/other" }, 403, "AccessDenied"],
    [{ RoleSessionName: "" }, 400, "ValidationError"],
    [{ DurationSeconds: "60" }, 400, "ValidationError"],
    [{ DurationSeconds: "ten" }, 400, "MalformedInput"],
    [{ Policy: "{}" }, 400, "ValidationError"],
    [{ Version: "2015-12-01" }, 400, "InvalidAction"],
  ] as const
) {
  Deno.test(`AssumeRoleWithWebIdentity with ${JSON.stringify(changes)} is refused: ${code}`, async () => {
    await using emulator = await startEmulator();
    const answer = await assume(emulator, changes);
    assertEquals(answer.status, status, answer.text);
    assertStringIncludes(answer.text, `<Code>${code}</Code>`);
  });
}

Deno.test("GetCallerIdentity tells who signed", async () => {
  await using emulator = await startEmulator();
  const { text } = await assume(emulator);
  assertStringIncludes(text, ":assumed-role/sidecar/test</Arn>");
  const value = (name: string) => new RegExp(`<${name}>(.*?)</${name}>`).exec(text)?.[1] ?? "";
  const date = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, "");
  const scope = `${value("AccessKeyId")}/${date.slice(0, 8)}/eu-west-1/sts/aws4_request`;
  const identity = await get(emulator, "/", {
    method: "POST",
    headers: {
      "x-amz-date": date,
      "x-amz-security-token": value("SessionToken"),
      "authorization": `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host;x-amz-date, ` +
        `Signature=${"0".repeat(64)}`,
    },
    body: new URLSearchParams({ Action: "GetCallerIdentity", Version: "2011-06-15" }),
  });
  assertStringIncludes(identity.text, ":assumed-role/sidecar/web-identity</Arn>");
  assert(emulator.calls.at(-1)?.applied);
});
