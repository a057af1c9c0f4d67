import { assert, assertEquals, assertRejects } from "@std/assert";
import { ApiError, type ApiErrorDetails } from "../../../lib/aws/errors.ts";
import { attemptTime, backOff, retry, type RetryOptions } from "../../../lib/aws/retry.ts";
import { sleep } from "../../../lib/host/clock.ts";
import { KeptLog } from "../kept_log.ts";
import { VirtualClock } from "../virtual_clock.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

function fault(details: Partial<ApiErrorDetails> = {}, sentence = "a fault"): ApiError {
  return new ApiError(sentence, {
    call: "RegisterTargets",
    code: "InternalFailure",
    retryable: true,
    effect: "unknown",
    ...details,
  });
}

/** The delay before the next attempt, for the least and the most that chance can give. */
function bounds(
  details: Partial<ApiErrorDetails>,
  failedBefore: number,
  left = Infinity,
): [number, number] {
  const at = (chance: number) =>
    backOff(fault(details), { failedBefore, left }, new VirtualClock(() => chance));
  return [at(0), at(1)];
}

Deno.test("back-off has full jitter: anything from nothing to a bound that doubles", () => {
  const times = [0, 1, 2, 3, 4, 5].map((failed) => bounds({}, failed));
  assertEquals(times, [[0, 200], [0, 400], [0, 800], [0, 1_600], [0, 3_200], [0, 6_400]]);
});

for (const code of ["Throttling", "ThrottlingException", "RequestLimitExceeded"]) {
  Deno.test(`back-off after ${code} starts at a second`, () => {
    const times = [0, 1, 2, 3].map((failed) => bounds({ code }, failed));
    assertEquals(times, [[0, 1_000], [0, 2_000], [0, 4_000], [0, 8_000]]);
  });
}

Deno.test("back-off is never longer than ten seconds, throttled thirty, however often it failed", () => {
  assertEquals(bounds({}, 6), [0, 10_000]);
  assertEquals(bounds({}, 5_000), [0, 10_000]);
  assertEquals(bounds({ code: "Throttling" }, 5_000), [0, 30_000]);
});

Deno.test("back-off leaves time for another attempt before the end", () => {
  assertEquals(bounds({}, 10, 6_000), [0, 3_000]);
  assertEquals(bounds({ code: "Throttling" }, 10, 6_000), [0, 3_000]);
  assertEquals(bounds({}, 10, 0), [0, 200]);
});

Deno.test("Retry-After makes a delay longer, by five seconds at most", () => {
  assertEquals(bounds({ retryAfter: 3_000 }, 0), [3_000, 3_000]);
  assertEquals(bounds({ retryAfter: 100 }, 0), [100, 200]);
  assertEquals(bounds({ retryAfter: 3_600_000 }, 0), [5_000, 5_200]);
  assertEquals(bounds({ retryAfter: 3_000 }, 10), [3_000, 10_000]);
});

Deno.test("Retry-After leaves time for another attempt before the end", () => {
  assertEquals(bounds({ retryAfter: 30_000 }, 0, 4_000), [2_000, 2_000]);
});

Deno.test("an attempt has a third of the step's time, and ten seconds at most", () => {
  assertEquals([3_000, 30_000, 60_000, 3_600_000].map(attemptTime), [
    1_000,
    10_000,
    10_000,
    10_000,
  ]);
});

/** Retries in virtual time. */
class Bench {
  readonly clock = new VirtualClock();
  readonly log = new KeptLog();
  readonly stop = new AbortController();
  attempts = 0;

  run<T>(
    attempt: (signal: AbortSignal, number: number) => Promise<T>,
    time = MINUTE,
    options: Partial<RetryOptions> = {},
  ): Promise<T> {
    return this.clock.run(retry((signal) => attempt(signal, ++this.attempts), {
      call: "RegisterTargets",
      clock: this.clock,
      log: this.log,
      signal: this.clock.within(time, this.stop.signal),
      time,
      fields: { target_group: "kafka" },
      ...options,
    }));
  }
}

/** The fault with which it sleep. */
async function faultOf(work: Promise<unknown>): Promise<ApiError> {
  return await assertRejects(() => work, ApiError);
}

Deno.test("attempts go on until one succeeds, and each failure is a line of the log", async () => {
  const bench = new Bench();
  const value = await bench.run((_, number) =>
    number < 3 ? Promise.reject(fault({}, `fault ${number}`)) : Promise.resolve("done")
  );
  assertEquals([value, bench.attempts, bench.clock.now()], ["done", 3, 300]);
  assertEquals(bench.log.lines, [
    'warn RegisterTargets: fault 1 {"target_group":"kafka","attempt":1,"next_try_in":"100ms"}',
    'warn RegisterTargets: fault 2 {"target_group":"kafka","attempt":2,"next_try_in":"200ms"}',
  ]);
});

Deno.test("a success at once costs no time and no line", async () => {
  const bench = new Bench();
  assertEquals(await bench.run(() => Promise.resolve(1)), 1);
  assertEquals([bench.attempts, bench.clock.now(), bench.log.lines], [1, 0, []]);
});

Deno.test("a final fault ends it at once", async () => {
  const bench = new Bench();
  const last = await faultOf(
    bench.run((_, number) => Promise.reject(fault({ retryable: number < 2 }, `fault ${number}`))),
  );
  assertEquals([last.message, bench.attempts], ["RegisterTargets: fault 2", 2]);
});

Deno.test("what is no fault of the API is not tried again", async () => {
  const bench = new Bench();
  const work = bench.run(() => Promise.reject(new RangeError("a mistake")));
  await assertRejects(() => work, RangeError, "a mistake");
  assertEquals(bench.attempts, 1);
});

Deno.test("when the time is up, the last fault is the end", async () => {
  const bench = new Bench();
  const last = await faultOf(
    bench.run((_, number) => Promise.reject(fault({}, `fault ${number}`))),
  );
  assertEquals(last.message, `RegisterTargets: fault ${bench.attempts}`);
  assert(bench.attempts > 10, `only ${bench.attempts} attempts`);
  assertEquals(bench.clock.now(), MINUTE);
});

Deno.test("an attempt that the end cuts short tells less than the fault before it", async () => {
  const bench = new Bench();
  const last = await faultOf(
    bench.run(
      (signal, number) => number === 1 ? Promise.reject(fault({}, "telling")) : hang(signal),
      3 * SECOND,
    ),
  );
  // The third is cut short by its own limit, the last one by the end.
  assertEquals(bench.clock.now(), 3 * SECOND);
  assert(bench.attempts > 2, `only ${bench.attempts} attempts`);
  assertEquals(last.message, "RegisterTargets: no answer in 1s");
});

Deno.test("where the very end cuts the second attempt short, the first one's fault is said", async () => {
  const bench = new Bench();
  const last = await faultOf(
    bench.run(
      (signal, number) =>
        number === 1
          ? sleep(bench.clock.within(2.5 * SECOND, signal)).then(() =>
            Promise.reject(fault({}, "telling"))
          )
          : hang(signal),
      3 * SECOND,
      { time: 12 * SECOND },
    ),
  );
  assertEquals([last.message, bench.attempts], ["RegisterTargets: telling", 2]);
});

/** Never answers. */
async function hang(signal: AbortSignal): Promise<never> {
  await sleep(signal);
  throw signal.reason;
}

Deno.test("an attempt that hangs is sleep by its own limit, and made again", async () => {
  const bench = new Bench();
  const value = await bench.run((signal, number) =>
    number === 1 ? hang(signal) : Promise.resolve(bench.clock.now())
  );
  assertEquals(value, 10.1 * SECOND);
  assertEquals(bench.log.lines.length, 1);
  assert(bench.log.lines[0]?.startsWith("warn RegisterTargets: no answer in 10s"));
});

Deno.test("attempts that all hang end with the step, with a fault whose effect is unknown", async () => {
  const bench = new Bench();
  const last = await faultOf(bench.run(hang, 30 * SECOND));
  assertEquals([last.code, last.effect, last.retryable], ["NoAnswer", "unknown", true]);
  assertEquals([bench.clock.now(), bench.attempts], [30 * SECOND, 3]);
});

Deno.test("a stop ends an attempt at once, with its reason", async () => {
  const bench = new Bench();
  bench.clock.at(SECOND, () => bench.stop.abort(new Error("stop")));
  await assertRejects(() => bench.run(hang), Error, "stop");
  assertEquals([bench.clock.now(), bench.attempts], [SECOND, 1]);
});

Deno.test("a stop ends a back-off at once, with its reason", async () => {
  const bench = new Bench();
  bench.clock.at(SECOND, () => bench.stop.abort(new Error("stop")));
  const work = bench.run(() => Promise.reject(fault({ retryAfter: 5_000 })));
  await assertRejects(() => work, Error, "stop");
  assertEquals([bench.clock.now(), bench.attempts], [SECOND, 1]);
});

Deno.test("a stop during an attempt that fails with a fault is the end, with the stop's reason", async () => {
  const bench = new Bench();
  const work = bench.run(() => {
    bench.stop.abort(new Error("stop"));
    return Promise.reject(fault());
  });
  await assertRejects(() => work, Error, "stop");
  assertEquals([bench.attempts, bench.log.lines], [1, []]);
});

Deno.test("a final fault is said though a stop came with it", async () => {
  const bench = new Bench();
  const last = await faultOf(bench.run(() => {
    bench.stop.abort(new Error("stop"));
    return Promise.reject(fault({ retryable: false }, "final"));
  }));
  assertEquals(last.message, "RegisterTargets: final");
});
