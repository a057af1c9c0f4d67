import { assertEquals } from "@std/assert";
import { ApiError } from "../../../lib/aws/errors.ts";
import { type CallMeter, measured } from "../../../lib/aws/measured.ts";
import type { ElasticLoadBalancing } from "../../../lib/aws/elb.ts";
import { ARN, TARGET } from "./_api.ts";

const options = { signal: new AbortController().signal };

/** What the meter counts of calls that end like this. */
function metering(ends: unknown[]): { elb: ElasticLoadBalancing; counted: string[] } {
  const counted: string[] = [];
  const meter: CallMeter = {
    onCall: (action, result) => counted.push(`${action} ${result}`),
    onRetry: (action) => counted.push(`${action} again`),
  };
  const call = () => {
    const end = ends.shift();
    return end instanceof Error ? Promise.reject(end) : Promise.resolve(end);
  };
  const methods = new Proxy({}, { get: () => call });
  return { elb: measured(methods as ElasticLoadBalancing, meter), counted };
}

function apiError(code: string, retryable: boolean): ApiError {
  return new ApiError("no", { call: "RegisterTargets", code, retryable, effect: "none" });
}

Deno.test("measured() counts each call by its name in the API, and hands its result through", async () => {
  const health = { target: TARGET, state: "healthy" };
  const attributes = { deregistrationDelay: 5, all: {} };
  const { elb, counted } = metering([[], undefined, undefined, health, attributes]);
  assertEquals(await elb.describeTargetGroups({ names: ["kafka"] }, options), []);
  await elb.registerTarget(ARN, TARGET, options);
  await elb.deregisterTarget(ARN, TARGET, options);
  assertEquals(await elb.describeTargetHealth(ARN, TARGET, options), health);
  assertEquals(await elb.groupAttributes(ARN, options), attributes);
  assertEquals(counted, [
    ...["DescribeTargetGroups ok", "RegisterTargets ok", "DeregisterTargets ok"],
    ...["DescribeTargetHealth ok", "DescribeTargetGroupAttributes ok"],
  ]);
});

Deno.test("measured() counts a call as a retry after an error of its like that may pass", async () => {
  const timeUp = new DOMException("Signal timed out.", "TimeoutError");
  const throttled = apiError("ThrottlingException", true);
  const denied = apiError("AccessDenied", false);
  const { elb, counted } = metering([throttled, timeUp, denied, undefined, throttled]);
  const register = (arn = ARN) => elb.registerTarget(arn, TARGET, options).catch(() => {});
  for (let number = 0; number < 5; number++) await register();
  // Another group, and another call.
  await register(`${ARN}4`);
  await elb.deregisterTarget(ARN, TARGET, options);
  assertEquals(counted.map((line) => line.replace("RegisterTargets ", "")), [
    ...["ThrottlingException", "again", "GivenUp", "again", "AccessDenied"],
    ...["ok", "ThrottlingException"],
    ...["ok", "DeregisterTargets ok"],
  ]);
});
