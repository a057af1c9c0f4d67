import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { CallOptions, ElasticLoadBalancing, TargetHealth } from "../../../lib/aws/elb.ts";
import { ApiError } from "../../../lib/aws/errors.ts";
import { limited } from "../../../lib/aws/limits.ts";
import { waitInService } from "../../../lib/registration/in_service.ts";
import { KeptLog } from "../kept_log.ts";
import { VirtualClock } from "../../simulation/clock.ts";

const SECOND = 1_000;
const target = { id: "10.0.0.1" };
const group = {
  arn: "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/kafka/0123456789abcdef",
  name: "kafka",
  healthCheck: { enabled: true, intervalSeconds: 30, healthyThreshold: 5, unhealthyThreshold: 2 },
};
const INITIAL = { target, state: "initial", reason: "Elb.RegistrationInProgress" };
const HEALTHY = { target, state: "healthy" };

/** What the API answers at a moment. */
type Answers = (now: number) => TargetHealth | ApiError | "nothing";

function wait(answers: Answers, time = 300 * SECOND, stopAt = Infinity) {
  const clock = new VirtualClock();
  const log = new KeptLog();
  const asked: number[] = [];
  const stop = new AbortController();
  if (stopAt < Infinity) clock.at(stopAt, () => stop.abort(new Error("stop")));
  const unused = () => Promise.reject(new Error("not part of the wait"));
  const elb: ElasticLoadBalancing = {
    describeTargetGroups: unused,
    deregistrationDelay: unused,
    registerTarget: unused,
    deregisterTarget: unused,
    describeTargetHealth: async (_arn: string, _target: unknown, { signal }: CallOptions) => {
      signal.throwIfAborted();
      asked.push(clock.now());
      const answer = answers(clock.now());
      if (answer instanceof ApiError) throw answer;
      if (answer !== "nothing") return answer;
      return await new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason))
      );
    },
  };
  const result = waitInService({ group, target }, {
    elb: limited(elb, clock),
    clock,
    log,
    time,
    stop: stop.signal,
  });
  return { result: clock.run(result), asked, log, clock };
}

function fault(retryable: boolean, code = "X"): ApiError {
  const details = { call: "DescribeTargetHealth", code, retryable, effect: "none" } as const;
  return new ApiError("X", details);
}

Deno.test("waitInService() ends at the first healthy answer", async () => {
  const { result, asked, log } = wait((now) => now < 60 * SECOND ? INITIAL : HEALTHY);
  assertEquals(await result, undefined);
  assert((asked.at(-1) ?? 0) < 75 * SECOND, "no later than a 15 s poll");
  assertMatch(log.lines.at(-1) ?? "", /^info target is in service/);
});

Deno.test("waitInService() logs each state once", async () => {
  const { result, log } = wait((now) => now < 60 * SECOND ? INITIAL : HEALTHY);
  await result;
  assertEquals(log.lines.filter((line) => line.includes("not in service yet")).length, 1);
});

Deno.test("waitInService() says with the first answer what waiting cannot change, and waits on", async () => {
  const unused = { target, state: "unused", reason: "Target.NotInUse" };
  const { result, log } = wait((now) => now < 30 * SECOND ? unused : HEALTHY);
  assertEquals(await result, undefined);
  assertMatch(log.lines[1] ?? "", /^warn .*add a listener/);
});

Deno.test("waitInService() ends with the state when its time is up", async () => {
  const { result, clock } = wait(() => INITIAL, 20 * SECOND);
  assertEquals(
    await result,
    "the target is not healthy after 20s: it is initial, Elb.RegistrationInProgress",
  );
  assertEquals(clock.now(), 20 * SECOND);
});

Deno.test("waitInService() ends in time where no question is answered", async () => {
  const { result, clock, log } = wait(() => "nothing", 25 * SECOND);
  assertMatch(await result ?? "", /no DescribeTargetHealth call succeeded/);
  assertEquals(clock.now(), 25 * SECOND);
  assertMatch(log.lines[0] ?? "", /^warn DescribeTargetHealth: no answer in 10s/);
});

Deno.test("waitInService() goes on after a passing fault, and slower each time", async () => {
  const { result, asked } = wait((now) => now < 20 * SECOND ? fault(true) : HEALTHY);
  assertEquals(await result, undefined);
  assert(asked.length < 12, `${asked.length} questions`);
});

Deno.test("waitInService() ends at a fault that is final", async () => {
  const { result, asked } = wait(() => fault(false));
  assertEquals(await result, "DescribeTargetHealth: X");
  assertEquals(asked.length, 1);
});

Deno.test("waitInService() ends at once at a stop, asking or pausing", async () => {
  for (const answer of [INITIAL, "nothing"] as const) {
    const { result, asked, clock } = wait(() => answer, 300 * SECOND, 15 * SECOND);
    await assertRejects(() => result, Error, "stop");
    assertEquals(asked.length, 1);
    assertEquals(clock.now(), 15 * SECOND);
  }
});

Deno.test("waitInService() asks by plan", async () => {
  const checking = { target, state: "initial", reason: "Elb.InitialHealthChecking" };
  const { result, asked } = wait((now) =>
    now < 20 * SECOND ? INITIAL : now < 40 * SECOND ? checking : HEALTHY
  );
  await result;
  // The gap between two polls is √120 s; timers end at whole milliseconds.
  assertEquals(asked, [11_250, 26_250, 37_205, 48_160]);
});

Deno.test("waitInService() asks once at least, however short its time is", async () => {
  const { result, asked } = wait(() => HEALTHY, 2 * SECOND);
  assertEquals(await result, undefined);
  assertEquals(asked, [1 * SECOND]);
});

Deno.test("waitInService() asks no sooner than planned when it was throttled", async () => {
  const gapsAfter = async (code: string) => {
    const { result, asked } = wait((now) => now < 60 * SECOND ? fault(true, code) : HEALTHY);
    await result;
    return Math.min(...asked.slice(1).map((at, before) => at - (asked[before] ?? 0)));
  };
  assertEquals(await gapsAfter("Throttling"), Math.ceil(0.75 * 11.25 * SECOND));
  assert(await gapsAfter("InternalFailure") < 1 * SECOND);
});
