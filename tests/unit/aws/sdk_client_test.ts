import { assertEquals } from "@std/assert";
import { createSdkClient, rehearse } from "../../../lib/aws/sdk_client.ts";
import { VERSION } from "../../../lib/version.ts";
import { stdOptions } from "../../../tools/deno.ts";
import { outputOf } from "../../../tools/process.ts";
import { test } from "../../test.ts";
import { KeptLog } from "../kept_log.ts";
import { ACCESS_KEY, answer, result, ScriptedApi } from "./_api.ts";

/** For an hour. */
const CREDENTIALS = JSON.stringify({
  ...{ AccessKeyId: ACCESS_KEY, SecretAccessKey: "a secret", Token: "a token" },
  Expiration: new Date(Date.now() + 3_600_000),
});
const JSON_TYPE = { headers: { "content-type": "application/json" } };

Deno.test("a rehearsal signs DeregisterTargets and reads an answer, but sends nothing", async () => {
  let sent = 0;
  const handle = () => {
    sent++;
    return Promise.reject(new Error("sent"));
  };
  const { client } = createSdkClient({ region: "eu-west-1" }, { handle }, new KeptLog());
  const passed: string[] = [];
  client.middlewareStack.add((next) => async (args) => {
    const answer = await next(args);
    const { request } = args;
    const isSigned = typeof request === "object" && request !== null && "headers" in request &&
      JSON.stringify(request.headers).includes(`AWS4-HMAC-SHA256 Credential=${ACCESS_KEY}/`);
    passed.push(`${isSigned ? "signed" : "unsigned"}, answered`);
    return answer;
  }, { step: "finalizeRequest", priority: "low", name: "watch" });
  await rehearse(client, { TargetGroupArn: "arn:x", Targets: [{ Id: "10.0.0.1" }] });
  assertEquals([passed, sent], [["signed, answered"], 0]);
});

Deno.test("a rehearsal that fails, fails without a word", async () => {
  const handle = () => Promise.reject(new Error("sent"));
  const { client } = createSdkClient({ region: "not a region" }, { handle }, new KeptLog());
  assertEquals(await rehearse(client, { TargetGroupArn: "arn:x", Targets: [] }), undefined);
});

/** Runs a program that makes calls, with variables that other tests must not see. */
async function firstCalls(env: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const coverage = Deno.env.get("SIDECAR_COVERAGE");
  const options = [
    ...["-A", "--quiet", "--no-check", ...stdOptions()],
    ...(coverage ? [`--coverage=${coverage}`] : []),
  ];
  const program = new URL("programs/first_calls.ts", import.meta.url).pathname;
  return (await outputOf(Deno.execPath(), ["run", ...options, program], { env })).split("\n");
}

const KEYS = { AWS_ACCESS_KEY_ID: ACCESS_KEY, AWS_SECRET_ACCESS_KEY: "a secret" };

test("AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT lead elsewhere; all say who calls", async () => {
  const [fips, dual] = [{ AWS_USE_FIPS_ENDPOINT: "true" }, { AWS_USE_DUALSTACK_ENDPOINT: "true" }];
  const cases = [
    [{}, "elasticloadbalancing.us-east-1.amazonaws.com"],
    [fips, "elasticloadbalancing-fips.us-east-1.amazonaws.com"],
    [dual, "elasticloadbalancing.us-east-1.api.aws"],
    [{ ...fips, ...dual }, "elasticloadbalancing-fips.us-east-1.api.aws"],
  ] as const;
  const agent = `k8s-nlb-registrator-sidecar/${VERSION} Deno/${Deno.version.deno}`;
  for (const [env, host] of cases) {
    assertEquals(await firstCalls({ ...KEYS, ...env }), [`${host} ${agent}`]);
  }
});

test("credentials that expire are renewed five minutes before, from the first registration on", async () => {
  await using api = await ScriptedApi.start(({ action }, exchange) =>
    action === "" ? answer(exchange, CREDENTIALS, JSON_TYPE) : answer(exchange, result(action))
  );
  const [, minutes] = await firstCalls({
    ...{ API_URL: api.url, AWS_CONTAINER_CREDENTIALS_FULL_URI: `${api.url}/credentials` },
    AWS_EC2_METADATA_DISABLED: "true",
    ...{ AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" },
  });
  assertEquals(minutes, "55");
});
