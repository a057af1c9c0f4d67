/**
 * The one retry layer. It is our own: `@std/async` `retry` ignores `Retry-After`, does not report its
 * delay, and counts real time; the SDK's sits behind the port, out of the simulation's reach.
 */
import { type Clock, isTimeout, sleep } from "../host/clock.ts";
import { durationText, type Milliseconds } from "../host/duration.ts";
import type { Log, LogFields } from "../host/log.ts";
import type { CallOptions } from "./elb.ts";
import { type ApiCall, ApiError } from "./errors.ts";

/** Back-off starts here after an error of the network or the server. */
const TRANSIENT_BASE: Milliseconds = 200;
/** When throttled, the account makes too many calls: start slower. */
const THROTTLED_BASE: Milliseconds = 1_000;
const LONGEST_BACK_OFF: Milliseconds = 10_000;
/**
 * The API serves throttled clients at a fixed rate, so retrying less often costs nothing while
 * enough of them retry. With longer delays, the last of 5,000 pods would wait (docs/scale.md).
 */
const LONGEST_THROTTLED: Milliseconds = 30_000;
/**
 * After so many attempts it is half of that, and so on, down to that of other errors: who has waited
 * longest has the best chance, and no pod waits for most of its grace period by bad luck.
 */
const ATTEMPTS_PER_SHARE = 20;
/** A `Retry-After` lengthens a delay by this much at most: the step has a deadline to meet. */
const LONGEST_HINT: Milliseconds = 5_000;
/** The limit of one request, where the step's time is not shorter. */
export const REQUEST_TIMEOUT: Milliseconds = 10_000;

/** The limit of one attempt, so that a step of this length has time for at least three. */
export function attemptTime(step: Milliseconds): Milliseconds {
  return Math.min(REQUEST_TIMEOUT, step / 3);
}

/** How far a sequence of attempts has come. */
export interface Progress {
  /** How many attempts have failed before this one. */
  readonly failedBefore: number;
  /** What is left of the step's time. */
  readonly left: Milliseconds;
}

/** Whether the API says that the account makes too many calls. */
export function isThrottling(error: ApiError): boolean {
  return /thrott|RequestLimitExceeded/i.test(error.code);
}

/**
 * The delay before the next attempt: exponential, with full jitter, and short enough that another
 * attempt fits into the step's time.
 */
export function backOff(error: ApiError, progress: Progress, clock: Clock): Milliseconds {
  // At the quota, many pods wait for others to stop: that takes as long.
  const isThrottled = isThrottling(error) || error.code === "TooManyTargets";
  const base = isThrottled ? THROTTLED_BASE : TRANSIENT_BASE;
  const share = 1 + progress.failedBefore / ATTEMPTS_PER_SHARE;
  const longest = Math.max(LONGEST_BACK_OFF, isThrottled ? LONGEST_THROTTLED / share : 0);
  const exponential = Math.min(longest, base * 2 ** progress.failedBefore);
  const delay = clock.random() * Math.min(exponential, Math.max(base, progress.left / 2));
  return Math.max(delay, Math.min(error.retryAfter ?? 0, delay + LONGEST_HINT, progress.left / 2));
}

/** The error of a call that threw: its own, or one that says that its time was up. */
export function asApiError(error: unknown, call: ApiCall, time: Milliseconds): ApiError {
  if (error instanceof ApiError) return error;
  const [code, message] = isTimeout(error)
    ? ["NoAnswer", `no answer in ${durationText(time)}`]
    : ["Unexpected", String(error)];
  return new ApiError(message, { call, code, retryable: true, effect: "unknown" }, {
    cause: error,
  });
}

/** How attempts are repeated. */
export interface RetryOptions {
  readonly call: ApiCall;
  readonly clock: Clock;
  readonly log: Log;
  /** Ends all attempts: the step's deadline, joined with the stop signal. */
  readonly signal: AbortSignal;
  /** The step's time: an attempt gets a third of it at most. */
  readonly time: Milliseconds;
  /** Fields that each log line gets. */
  readonly fields: LogFields;
}

/**
 * Makes attempts until one succeeds, one fails for good, or the signal ends.
 * @param attempt One call, made with these options.
 * @throws {ApiError} The last one, when it is final or the time is up.
 * @throws The signal's reason, where that is not that the time is up.
 */
export async function retry<T>(
  attempt: (options: CallOptions) => Promise<T>,
  { call, clock, log, signal, time, fields }: RetryOptions,
): Promise<T> {
  const started = clock.now();
  const timeout = attemptTime(time);
  let last: ApiError | undefined;
  for (let failedBefore = 0;; failedBefore++) {
    let error: ApiError;
    try {
      return await attempt({ signal, timeout });
    } catch (thrown) {
      if (!(thrown instanceof ApiError) && !isTimeout(thrown)) throw thrown;
      error = asApiError(thrown, call, timeout);
    }
    if (!error.retryable) throw error;
    // The error before it says more than that of an attempt that was cut short.
    if (signal.aborted) throw endOf(signal, last ?? error);
    last = error;
    const left = started + time - clock.now();
    const delay = backOff(error, { failedBefore, left }, clock);
    log.warn(error.message, {
      ...fields,
      attempt: failedBefore + 1,
      next_try_in: durationText(delay),
    });
    await sleep(clock.within(delay, signal));
    if (signal.aborted) throw endOf(signal, error);
  }
}

function endOf(signal: AbortSignal, last: ApiError): unknown {
  return isTimeout(signal.reason) ? last : signal.reason;
}
