import { assertEquals, assertRejects } from "@std/assert";
import { ApiError } from "../../../lib/aws/errors.ts";
import type { CallOptions, ElasticLoadBalancing } from "../../../lib/aws/elb.ts";
import { limited } from "../../../lib/aws/limits.ts";
import { sleep } from "../../../lib/host/clock.ts";
import { VirtualClock } from "../../simulation/clock.ts";
import { ARN, TARGET } from "./_api.ts";

const SECOND = 1_000;

/** A port in virtual time whose every call takes so long, and the calls that have begun. */
class Bench {
  readonly clock = new VirtualClock();
  readonly begun: number[] = [];
  readonly elb: ElasticLoadBalancing;

  constructor(seconds: number) {
    const describeTargetHealth = async (arn: string, target: typeof TARGET, call: CallOptions) => {
      this.begun.push(Number(arn.slice(ARN.length)));
      await sleep(this.clock.within(seconds * SECOND, call.signal));
      call.signal.throwIfAborted();
      return { target, state: "healthy" };
    };
    const port: Partial<ElasticLoadBalancing> = { describeTargetHealth };
    this.elb = limited(port as ElasticLoadBalancing, this.clock);
  }

  call(number: number, options: Partial<CallOptions> = {}): Promise<unknown> {
    const signal = new AbortController().signal;
    return this.elb.describeTargetHealth(`${ARN}${number}`, TARGET, { signal, ...options });
  }

  calls(count: number, options?: Partial<CallOptions>): Promise<unknown>[] {
    return Array.from({ length: count }, (_, number) => this.call(number, options));
  }
}

Deno.test("limited() makes ten calls at a time, in order", async () => {
  const bench = new Bench(1);
  await bench.clock.run(Promise.all(bench.calls(25)));
  assertEquals(bench.begun, Array.from({ length: 25 }, (_, number) => number));
  assertEquals(bench.clock.now(), 3 * SECOND);
});

Deno.test("limited() counts a call's time from when it has a slot, not while it waits for one", async () => {
  const bench = new Bench(7);
  await bench.clock.run(Promise.all(bench.calls(40, { timeout: 10 * SECOND })));
  assertEquals(bench.clock.now(), 28 * SECOND);
});

Deno.test("limited() ends a call whose time is up with an error that may pass", async () => {
  for (const [timeout, seconds] of [[undefined, 10], [3 * SECOND, 3]] as const) {
    const bench = new Bench(60);
    const work = bench.clock.run(bench.call(0, timeout === undefined ? {} : { timeout }));
    const error = await assertRejects(() => work, ApiError);
    assertEquals(error.message, `DescribeTargetHealth: no answer in ${seconds}s`);
    assertEquals([error.retryable, error.effect], [true, "unknown"]);
    assertEquals(bench.clock.now(), seconds * SECOND);
  }
});

Deno.test("limited() frees the slot of a call that fails, and of one that is stopped while it waits", async () => {
  const bench = new Bench(60);
  const stop = new AbortController();
  const first = bench.calls(10, { timeout: SECOND });
  const stopped = bench.call(10, { signal: stop.signal });
  const last = bench.call(11, { timeout: 61 * SECOND });
  stop.abort(new RangeError("stop"));
  await assertRejects(() => stopped, RangeError, "stop");
  await bench.clock.run(
    Promise.all([...first.map((call) => assertRejects(() => call, ApiError)), last]),
  );
  assertEquals(bench.begun, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11]);
  assertEquals(bench.clock.now(), 61 * SECOND);
});

Deno.test("limited() gives a slot that comes at the moment of a stop to the next call", async () => {
  const bench = new Bench(1);
  const stop = new AbortController();
  const first = bench.calls(10);
  const stopped = bench.call(10, { signal: stop.signal }).catch(() => {});
  const last = bench.call(11);
  bench.clock.at(SECOND, () => stop.abort(new Error("stop")));
  await bench.clock.run(Promise.all([...first, stopped, last]));
  assertEquals(bench.clock.now() <= 2 * SECOND, true);
});
