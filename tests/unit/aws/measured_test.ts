import { assertEquals, assertRejects } from "@std/assert";
import { ApiError } from "../../../lib/aws/errors.ts";
import { type CallMeter, measured } from "../../../lib/aws/measured.ts";
import type { ElasticLoadBalancing } from "../../../lib/aws/elb.ts";
import { ARN, TARGET } from "./_api.ts";

const SIGNAL = { signal: new AbortController().signal };

/** What the meter was told of calls that end like this. */
function metering(ends: unknown[]): { elb: ElasticLoadBalancing; told: string[] } {
  const told: string[] = [];
  const meter: CallMeter = {
    onCall: (action, result) => told.push(`${action} ${result}`),
    onRetry: (action) => told.push(`${action} again`),
  };
  const call = () => {
    const end = ends.shift();
    return end instanceof Error ? Promise.reject(end) : Promise.resolve(end);
  };
  const methods = new Proxy({}, { get: () => call });
  return { elb: measured(methods as ElasticLoadBalancing, meter), told };
}

function fault(code: string, retryable: boolean): ApiError {
  return new ApiError("no", { call: "RegisterTargets", code, retryable, effect: "none" });
}

Deno.test("each call is counted by its name in the API, and its result is handed through", async () => {
  const health = { target: TARGET, state: "healthy" };
  const { elb, told } = metering([undefined, undefined, health]);
  await elb.registerTarget(ARN, TARGET, SIGNAL);
  await elb.deregisterTarget(ARN, TARGET, SIGNAL);
  assertEquals(await elb.describeTargetHealth(ARN, TARGET, SIGNAL), health);
  assertEquals(told, ["RegisterTargets ok", "DeregisterTargets ok", "DescribeTargetHealth ok"]);
});

Deno.test("a call that follows a passing fault of its like is a retry", async () => {
  const timeUp = new DOMException("Signal timed out.", "TimeoutError");
  const { elb, told } = metering([
    fault("ThrottlingException", true),
    timeUp,
    undefined,
    undefined,
  ]);
  await assertRejects(() => elb.registerTarget(ARN, TARGET, SIGNAL), ApiError);
  await assertRejects(() => elb.registerTarget(ARN, TARGET, SIGNAL), DOMException);
  await elb.registerTarget(ARN, TARGET, SIGNAL);
  await elb.registerTarget(ARN, TARGET, SIGNAL);
  assertEquals(told, [
    "RegisterTargets ThrottlingException",
    "RegisterTargets again",
    "RegisterTargets GivenUp",
    "RegisterTargets again",
    "RegisterTargets ok",
    "RegisterTargets ok",
  ]);
});

Deno.test("neither after a final fault, nor for another group or call, is it a retry", async () => {
  const { elb, told } = metering([
    fault("AccessDenied", false),
    fault("ThrottlingException", true),
  ]);
  await assertRejects(() => elb.registerTarget(ARN, TARGET, SIGNAL), ApiError);
  await assertRejects(() => elb.registerTarget(ARN, TARGET, SIGNAL), ApiError);
  await elb.registerTarget(`${ARN}4`, TARGET, SIGNAL);
  await elb.deregisterTarget(ARN, TARGET, SIGNAL);
  assertEquals(told.filter((line) => line.endsWith("again")), []);
});
