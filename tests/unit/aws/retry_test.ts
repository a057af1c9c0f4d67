import { assert, assertEquals, assertRejects } from "@std/assert";
import { ApiError, type ApiErrorDetails } from "../../../lib/aws/errors.ts";
import { attemptTime, backOff, retry, type RetryOptions } from "../../../lib/aws/retry.ts";
import { sleep } from "../../../lib/host/clock.ts";
import { KeptLog } from "../kept_log.ts";
import { VirtualClock } from "../../simulation/clock.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

function apiError(details: Partial<ApiErrorDetails> = {}, message = "a message"): ApiError {
  return new ApiError(message, {
    call: "RegisterTargets",
    code: "InternalFailure",
    retryable: true,
    effect: "unknown",
    ...details,
  });
}

/** What failed how often, the time left, and the least and the most delay that chance can give. */
const DELAYS: readonly (readonly [Partial<ApiErrorDetails>, number, number, number, number])[] = [
  // It doubles, up to ten seconds.
  [{}, 0, Infinity, 0, 200],
  [{}, 1, Infinity, 0, 400],
  [{}, 5, Infinity, 0, 6_400],
  [{}, 6, Infinity, 0, 10_000],
  [{}, 5_000, Infinity, 0, 10_000],
  // Throttled, or at the quota, it starts at a second and goes up to thirty.
  [{ code: "Throttling" }, 0, Infinity, 0, 1_000],
  [{ code: "ThrottlingException" }, 1, Infinity, 0, 2_000],
  [{ code: "RequestLimitExceeded" }, 3, Infinity, 0, 8_000],
  [{ code: "TooManyTargets" }, 3, Infinity, 0, 8_000],
  [{ code: "Throttling" }, 5, Infinity, 0, 24_000],
  [{ code: "Throttling" }, 20, Infinity, 0, 15_000],
  [{ code: "Throttling" }, 5_000, Infinity, 0, 10_000],
  // It leaves time for another attempt before the end.
  [{}, 10, 6_000, 0, 3_000],
  [{ code: "Throttling" }, 10, 6_000, 0, 3_000],
  [{}, 10, 0, 0, 200],
  // Retry-After makes it longer, by five seconds at most.
  [{ retryAfter: 3_000 }, 0, Infinity, 3_000, 3_000],
  [{ retryAfter: 100 }, 0, Infinity, 100, 200],
  [{ retryAfter: 3_600_000 }, 0, Infinity, 5_000, 5_200],
  [{ retryAfter: Infinity }, 0, Infinity, 5_000, 5_200],
  [{ retryAfter: 3_000 }, 10, Infinity, 3_000, 10_000],
  [{ retryAfter: 30_000 }, 0, 4_000, 2_000, 2_000],
];

Deno.test("backOff() has full jitter below a bound that doubles, and leaves time to try again", () => {
  for (const [details, failedBefore, left, ...bounds] of DELAYS) {
    const delays = [0, 1].map((chance) =>
      backOff(apiError(details), { failedBefore, left }, new VirtualClock(() => chance))
    );
    assertEquals(delays, bounds, `${JSON.stringify(details)} ${failedBefore} ${left}`);
  }
});

Deno.test("attemptTime() is a third of the step's time, and ten seconds at most", () => {
  const times = [3_000, 30_000, 60_000, 3_600_000].map(attemptTime);
  assertEquals(times, [1_000, 10_000, 10_000, 10_000]);
});

type Attempt<T> = (signal: AbortSignal, number: number, timeout?: number) => Promise<T>;

/** Retries in virtual time. */
class Bench {
  readonly clock = new VirtualClock();
  readonly log = new KeptLog();
  readonly stop = new AbortController();
  attempts = 0;

  run<T>(attempt: Attempt<T>, time = MINUTE, options: Partial<RetryOptions> = {}): Promise<T> {
    return this.clock.run(
      retry(({ signal, timeout = 0 }) => attempt(signal, ++this.attempts, timeout), {
        call: "RegisterTargets",
        clock: this.clock,
        log: this.log,
        signal: this.clock.within(time, this.stop.signal),
        time,
        fields: { target_group: "kafka" },
        ...options,
      }),
    );
  }

  /** The message of the error that retrying ends with. */
  async failure(attempt: Attempt<unknown>, time?: number, options?: Partial<RetryOptions>) {
    const work = this.run(attempt, time, options);
    return (await assertRejects(() => work, ApiError)).message;
  }
}

/** Never answers. */
async function hang(signal: AbortSignal): Promise<never> {
  await sleep(signal);
  throw signal.reason;
}

const failing: Attempt<never> = (_, number) => Promise.reject(apiError({}, `number ${number}`));

Deno.test("retry() goes on until an attempt succeeds, and logs each failure", async () => {
  const bench = new Bench();
  const value = await bench.run((signal, number) =>
    number < 3 ? failing(signal, number) : Promise.resolve("done")
  );
  assertEquals([value, bench.attempts, bench.clock.now()], ["done", 3, 300]);
  assertEquals(bench.log.lines, [
    'warn RegisterTargets: number 1 {"target_group":"kafka","attempt":1,"next_try_in":"100ms"}',
    'warn RegisterTargets: number 2 {"target_group":"kafka","attempt":2,"next_try_in":"200ms"}',
  ]);
});

Deno.test("retry() ends at once with a success, a final error, and what is no ApiError", async () => {
  const bench = new Bench();
  assertEquals(await bench.run(() => Promise.resolve(1)), 1);
  const final = () => Promise.reject(apiError({ retryable: false }, "final"));
  assertEquals(await bench.failure(final), "RegisterTargets: final");
  const mistake = bench.run(() => Promise.reject(new RangeError("a mistake")));
  await assertRejects(() => mistake, RangeError, "a mistake");
  assertEquals([bench.attempts, bench.clock.now(), bench.log.lines], [3, 0, []]);
});

Deno.test("retry() ends with the last error when the time is up", async () => {
  const bench = new Bench();
  const message = await bench.failure(failing);
  assertEquals(message, `RegisterTargets: number ${bench.attempts}`);
  assert(bench.attempts > 10, `only ${bench.attempts} attempts`);
  assertEquals(bench.clock.now(), MINUTE);
});

Deno.test("retry() gives an attempt a third of the time, and makes one that hangs again", async () => {
  const bench = new Bench();
  const attempt: Attempt<never> = (signal, _, timeout = 0) =>
    hang(bench.clock.within(timeout, signal));
  assertEquals(await bench.failure(attempt, 12 * SECOND), "RegisterTargets: no answer in 4s");
  assertEquals([bench.clock.now(), bench.attempts], [12 * SECOND, 3]);
});

Deno.test("retry() does not end with an attempt that the end cuts short, but the one before", async () => {
  const bench = new Bench();
  const attempt: Attempt<never> = async (signal, number) => {
    if (number > 1) return await hang(signal);
    await sleep(bench.clock.within(2.5 * SECOND, signal));
    throw apiError({}, "telling");
  };
  const message = await bench.failure(attempt, 3 * SECOND, { time: 12 * SECOND });
  assertEquals([message, bench.attempts], ["RegisterTargets: telling", 2]);
});

Deno.test("retry() ends at once when it is stopped, in an attempt and in a back-off", async () => {
  for (const attempt of [hang, () => Promise.reject(apiError({ retryAfter: 5_000 }))]) {
    const bench = new Bench();
    bench.clock.at(SECOND, () => bench.stop.abort(new Error("stop")));
    await assertRejects(() => bench.run<unknown>(attempt), Error, "stop");
    assertEquals([bench.clock.now(), bench.attempts], [SECOND, 1]);
  }
});

Deno.test("retry() throws the stop's reason for an attempt that fails with it, unless it is final", async () => {
  for (const retryable of [true, false]) {
    const bench = new Bench();
    const work = bench.run(() => {
      bench.stop.abort(new Error("stop"));
      return Promise.reject(apiError({ retryable }, "final"));
    });
    await assertRejects(() => work, Error, retryable ? "stop" : "RegisterTargets: final");
    assertEquals([bench.attempts, bench.log.lines], [1, []]);
  }
});
