import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Emulator, EmulatorOptions } from "../../emulator/emulator.ts";
import { startEmulator } from "../../emulator/server.ts";
import { program } from "./child.ts";

function start(options: EmulatorOptions = {}): Promise<Emulator> {
  return startEmulator({ groups: [{ name: "kafka" }], ...options });
}

/** An environment without credentials. */
function nothing(emulator: Emulator): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: emulator.url,
    AWS_CONFIG_FILE: "/nonexistent",
    AWS_SHARED_CREDENTIALS_FILE: "/nonexistent",
  };
}

/** What a process with this environment, a region and no IMDS says of one call. */
function callOnce(emulator: Emulator, env: Record<string, string>): Promise<string> {
  const base = { AWS_REGION: emulator.region, AWS_EC2_METADATA_DISABLED: "true" };
  return callOnceWith({ ...nothing(emulator), ...base, ...env });
}

async function callOnceWith(env: Record<string, string>): Promise<string> {
  const { stdout } = await program("tests/unit/emulator/call_once.ts", { env }).output();
  return new TextDecoder().decode(stdout).trim();
}

function identities(emulator: Emulator): (string | undefined)[] {
  return emulator.calls.map(({ identity }) => identity);
}

async function withFile<T>(content: string, use: (path: string) => Promise<T>): Promise<T> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, content);
    return await use(path);
  } finally {
    await Deno.remove(path);
  }
}

async function ask(emulator: Emulator, path: string, init: RequestInit = {}) {
  const response = await fetch(emulator.url + path, init);
  return { status: response.status, text: await response.text() };
}

Deno.test("the SDK calls with the keys of the environment", async () => {
  await using emulator = await start();
  assertEquals(await callOnce(emulator, emulator.environment), "ok");
  assertEquals(identities(emulator), ["static"]);
});

Deno.test("the SDK exchanges a web identity token for keys", async () => {
  await using emulator = await start();
  const said = await withFile(emulator.trust.webIdentityToken, (path) =>
    callOnce(emulator, {
      AWS_WEB_IDENTITY_TOKEN_FILE: path,
      AWS_ROLE_ARN: emulator.trust.roleArn,
    }));
  assertEquals(said, "ok");
  assertEquals(emulator.calls.map(({ action }) => action), [
    "AssumeRoleWithWebIdentity",
    "DescribeTargetGroups",
  ]);
  assertEquals(identities(emulator), [undefined, "web-identity"]);
});

Deno.test("the SDK gets keys from the container endpoint", async () => {
  await using emulator = await start();
  const said = await withFile(emulator.trust.containerToken, (path) =>
    callOnce(emulator, {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${emulator.url}/v1/credentials`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: path,
    }));
  assertEquals(said, "ok");
  assertEquals(identities(emulator), ["container"]);
  const asked = emulator.events.filter(({ kind }) => kind === "credentials-asked");
  assertEquals(asked.map((event) => "endpoint" in event && event.endpoint), ["container"]);
});

Deno.test("the SDK gets keys and region from IMDS", async () => {
  await using emulator = await start();
  const said = await callOnceWith({
    ...nothing(emulator),
    AWS_EC2_METADATA_SERVICE_ENDPOINT: emulator.url,
  });
  assertEquals(said, "ok");
  assertEquals(identities(emulator), ["imds"]);
});

Deno.test("the SDK calls with the keys of a shared file", async () => {
  const key = { accessKeyId: "AKIAFILE", secretAccessKey: "secret", identity: "file" };
  await using emulator = await start({ accessKeys: [key] });
  const file = `[default]\naws_access_key_id = ${key.accessKeyId}\n` +
    `aws_secret_access_key = ${key.secretAccessKey}\n`;
  const said = await withFile(file, (path) =>
    callOnce(emulator, {
      AWS_SHARED_CREDENTIALS_FILE: path,
    }));
  assertEquals(said, "ok");
  assertEquals(identities(emulator), ["file"]);
});

Deno.test("issued keys end after their time", async () => {
  await using emulator = await start({ credentialsLifetime: 0 });
  const said = await callOnce(emulator, {
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `${emulator.url}/v1/credentials`,
    AWS_CONTAINER_AUTHORIZATION_TOKEN: emulator.trust.containerToken,
  });
  assertStringIncludes(said, "ExpiredToken");
});

Deno.test("the container endpoint wants its token, and GET", async () => {
  await using emulator = await start();
  assertEquals((await ask(emulator, "/v1/credentials")).status, 403);
  const headers = { authorization: emulator.trust.containerToken };
  assertEquals((await ask(emulator, "/v1/credentials", { headers, method: "PUT" })).status, 405);
  const { status, text } = await ask(emulator, "/v1/credentials", { headers });
  assertEquals(status, 200);
  const reply: Record<string, unknown> = JSON.parse(text);
  assertEquals(Object.keys(reply), [
    "AccessKeyId",
    "SecretAccessKey",
    "Token",
    "Expiration",
    "RoleArn",
  ]);
  assertMatch(String(reply["Expiration"]), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
});

Deno.test("IMDS answers to its token only", async () => {
  await using emulator = await start();
  const role = "/latest/meta-data/iam/security-credentials/";
  assertEquals((await ask(emulator, role)).status, 401);
  assertEquals((await ask(emulator, "/latest/api/token")).status, 405);
  assertEquals((await ask(emulator, "/latest/api/token", { method: "PUT" })).status, 400);
  const token = await ask(emulator, "/latest/api/token", {
    method: "PUT",
    headers: { "x-aws-ec2-metadata-token-ttl-seconds": "21600" },
  });
  const headers = { "x-aws-ec2-metadata-token": token.text };
  assertEquals((await ask(emulator, role, { headers })).text, "node-role");
  assertStringIncludes((await ask(emulator, `${role}node-role`, { headers })).text, '"Success"');
  assertEquals((await ask(emulator, `${role}other-role`, { headers })).status, 404);
  assertEquals((await ask(emulator, role, { headers, method: "PUT" })).status, 405);
  const region = await ask(emulator, "/latest/meta-data/placement/region", { headers });
  assertEquals(region.text, "eu-west-1");
});

function assume(emulator: Emulator, changes: Record<string, string>) {
  const body = new URLSearchParams({
    Action: "AssumeRoleWithWebIdentity",
    Version: "2011-06-15",
    RoleArn: emulator.trust.roleArn,
    RoleSessionName: "test",
    WebIdentityToken: emulator.trust.webIdentityToken,
    ...changes,
  });
  return ask(emulator, "/", { method: "POST", body });
}

Deno.test("AssumeRoleWithWebIdentity looks at token, role and duration", async () => {
  await using emulator = await start();
  const good = await assume(emulator, {});
  assertEquals(good.status, 200);
  assertStringIncludes(good.text, "https://sts.amazonaws.com/doc/2011-06-15/");
  assertStringIncludes(good.text, ":assumed-role/sidecar/test</Arn>");
  const cases: [Record<string, string>, number, string][] = [
    [{ WebIdentityToken: "me" }, 400, "InvalidIdentityToken"],
    [
      { WebIdentityToken: emulator.trust.expiredWebIdentityToken },
      400,
      "ExpiredTokenException",
    ],
    [{ RoleArn: "arn:aws:iam::123456789012:role/other" }, 403, "AccessDenied"],
    [{ RoleSessionName: "" }, 400, "ValidationError"],
    [{ DurationSeconds: "60" }, 400, "ValidationError"],
    [{ Policy: "{}" }, 400, "ValidationError"],
    [{ Version: "2015-12-01" }, 400, "InvalidAction"],
  ];
  for (const [changes, status, code] of cases) {
    const answer = await assume(emulator, changes);
    assertEquals(answer.status, status, answer.text);
    assertStringIncludes(answer.text, `<Code>${code}</Code>`);
  }
});

Deno.test("GetCallerIdentity tells who signed", async () => {
  await using emulator = await start();
  const credentials = await assume(emulator, {});
  const value = (name: string) =>
    new RegExp(`<${name}>(.*?)</${name}>`).exec(credentials.text)?.[1] ?? "";
  const date = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, "");
  const scope = `${value("AccessKeyId")}/${date.slice(0, 8)}/eu-west-1/sts/aws4_request`;
  const identity = await ask(emulator, "/", {
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
