import { assertEquals } from "@std/assert";
import { createSdkClient, rehearse } from "../../../lib/aws/sdk_client.ts";
import { KeptLog } from "../kept_log.ts";
import { ACCESS_KEY } from "./_api.ts";

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
