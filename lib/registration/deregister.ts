/**
 * Deregistering a target, for certain.
 *
 * The hard part is what is not known. A RegisterTargets call whose answer was never seen may be
 * applied seconds after the client has gone away, even after a DeregisterTargets call that was
 * answered; and a reply soon after registering may still say that the target is not registered.
 * So wherever an answer is missing, the target's health is polled until a settle time has passed.
 * "Deregistered" is said only when it is known.
 */
import { abortable } from "@std/async/abortable";
import type { ElasticLoadBalancing, Target } from "../aws/elb.ts";
import { ApiError, isGroupNotFound } from "../aws/errors.ts";
import { asApiError, attemptTime, backOff } from "../aws/retry.ts";
import { type Clock, sleep } from "../host/clock.ts";
import { durationText, type Milliseconds } from "../host/duration.ts";
import type { Log, LogFields } from "../host/log.ts";
import type { GracePeriod } from "./grace_period.ts";
import type { Group } from "./resolve.ts";
import { type Membership, membershipIn, pollHealth, provesAbsence } from "./health.ts";

/** Times of a registration. */
export interface RegistrationTimes {
  /** For registering, retries included. */
  readonly register: Milliseconds;
  /** For deregistering, retries included. */
  readonly deregister: Milliseconds;
  /** For how long after it was given up a call may still be applied. */
  readonly confirmSettle: Milliseconds;
}

/** Ports and parameters of a registration. */
export interface RegistrationOptions {
  readonly elb: ElasticLoadBalancing;
  readonly clock: Clock;
  readonly log: Log;
  readonly times: RegistrationTimes;
  /** What is left of the pod's grace period. */
  readonly grace: GracePeriod;
}

/** What the answer of a RegisterTargets call proves; `unknown`: it never came, or proves nothing. */
export type RegisterResult = "registered" | "not-registered" | "unknown";

/** A registration, as far as deregistering needs to know. */
export interface Registered {
  readonly group: Group;
  readonly target: Target;
  readonly options: RegistrationOptions;
  /** Which target and group: for log lines. */
  readonly fields: LogFields;
  /** A RegisterTargets call in flight, if any: ends at the call's own time limit at the latest. */
  readonly inFlight: Promise<RegisterResult> | undefined;
  /** Until then, a RegisterTargets call whose answer was not seen may still be applied. */
  readonly doubtUntil: Milliseconds;
  /** Until then, a reply that the target is not registered may be out of date. */
  readonly settledAt: Milliseconds;
  /** A DeregisterTargets call has ended without an answer to rely on: it may still be applied. */
  deregisteringInDoubt(): void;
}

/** What deregistering gets at least, and what is kept back for the exit. */
const SHORTEST: Milliseconds = 2_000;

/** An attempt gets at least so long, however short `-deregister-timeout` is. */
const SHORTEST_ATTEMPT: Milliseconds = 1_000;

/** How many polls the settle time is divided into. */
const POLLS_WHILE_SETTLING = 4;

/** A refusal that only a change of policy ends: so often is enough, and it may come in time. */
const REFUSED_PAUSE: Milliseconds = 5_000;

/**
 * Deregisters until it is known that the target is deregistered, or the time is up. Never throws.
 * @returns `draining`, or `unknown` where time ran out.
 */
export async function deregister(registered: Registered): Promise<Membership> {
  const { clock, times, grace } = registered.options;
  const inDoubt = registered.inFlight !== undefined || clock.now() < registered.doubtUntil;
  const wanted = times.deregister + (inDoubt ? times.confirmSettle : 0);
  // The kubelet lets a container live for two seconds more, however short the time has become.
  const time = Math.max(SHORTEST, grace.clip(wanted, SHORTEST));
  const endsAt = clock.now() + time;
  const deadline = clock.within(time);
  const limits = { deadline, timeout: Math.max(SHORTEST_ATTEMPT, attemptTime(time)) };
  let last: ApiError | undefined;
  for (let failedBefore = 0;; failedBefore++) {
    const end = await attempt(registered, limits);
    if (end === "deregistered") return { at: "draining", since: clock.now() };
    if (end === "send-again" && !deadline.aborted) continue;
    const error = end === "send-again" ? endedInDoubt() : end;
    // An attempt that the end cut short tells less than the one before it.
    if (deadline.aborted) return { at: "unknown", reason: (last ?? error).message };
    const pause = pauseAfter(error, { failedBefore, left: endsAt - clock.now() }, clock);
    logRetry(registered, { error, last, attempt: failedBefore + 1, pause });
    last = error;
    await sleep(clock.within(pause, deadline));
    if (deadline.aborted) return { at: "unknown", reason: error.message };
  }
}

function pauseAfter(
  error: ApiError,
  progress: Parameters<typeof backOff>[1],
  clock: Clock,
): Milliseconds {
  const delay = backOff(error, progress, clock);
  return error.retryable ? delay : Math.max(delay, REFUSED_PAUSE);
}

/** A final refusal is said once: it stays the same until a person changes a policy. */
function logRetry(
  { options: { log }, fields }: Registered,
  { error, last, attempt, pause }: {
    readonly error: ApiError;
    readonly last: ApiError | undefined;
    readonly attempt: number;
    readonly pause: Milliseconds;
  },
): void {
  const isRepeated = !error.retryable && error.message === last?.message;
  log[isRepeated ? "debug" : "warn"](error.message, {
    ...fields,
    attempt,
    next_try_in: durationText(pause),
  });
}

/** When all ends, and how long one call may take. */
interface Limits {
  readonly deadline: AbortSignal;
  readonly timeout: Milliseconds;
}

/** One DeregisterTargets call, and what it takes to know whether it was enough. */
async function attempt(
  registered: Registered,
  limits: Limits,
): Promise<"deregistered" | "send-again" | ApiError> {
  const { clock, log } = registered.options;
  const beside = registered.inFlight;
  const sentAt = clock.now();
  const error = await sendDeregister(registered, limits);
  if (error !== undefined) {
    const end = await pollAfterError(registered, error, limits);
    if (end === "deregistered") {
      log.warn(`${error.message}; but the target is no longer registered`, registered.fields);
    }
    return end;
  }
  const result = await resultOf(beside, limits.deadline);
  if (result === "registered") return "send-again";
  const isCertain = result === "not-registered" && sentAt >= registered.doubtUntil;
  return isCertain ? "deregistered" : await pollUntilSettled(registered, limits);
}

/** Knowing beats guessing: waits for the answer of a RegisterTargets call that was in flight. */
async function resultOf(
  inFlight: Promise<RegisterResult> | undefined,
  deadline: AbortSignal,
): Promise<RegisterResult> {
  if (inFlight === undefined) return "not-registered";
  return await abortable(inFlight, deadline).catch(() => "unknown" as const);
}

/**
 * After a DeregisterTargets call that failed: was it applied all the same, or is there nothing to
 * deregister? A call that was refused for the moment (throttled) is just made again.
 */
async function pollAfterError(
  registered: Registered,
  error: ApiError,
  limits: Limits,
): Promise<"deregistered" | ApiError> {
  const refusedForNow = error.effect === "none" && error.retryable;
  if (refusedForNow || registered.inFlight !== undefined) return error;
  // A slow answer tells of an earlier moment, perhaps of the one when the request went out.
  const isSettled = registered.options.clock.now() >= registered.settledAt;
  const seen = await poll(registered, limits);
  if (isGroupNotFound(error) && isDenied(seen)) return "deregistered";
  return isSettled && (seen === "draining" || seen === "absent") ? "deregistered" : error;
}

/**
 * Where DescribeTargetHealth is refused, a deleted group is proof enough: it was there when the
 * target was registered, and all its targets went with it.
 */
function isDenied(seen: Awaited<ReturnType<typeof poll>>): boolean {
  return seen instanceof ApiError && !seen.retryable && seen.effect === "none";
}

/**
 * After an answered DeregisterTargets call: polls until no earlier call can be applied any more.
 * Then only one more DeregisterTargets call makes it certain: a poll may be out of date.
 */
async function pollUntilSettled(
  registered: Registered,
  limits: Limits,
): Promise<"send-again" | ApiError> {
  const { clock, times, log } = registered.options;
  while (clock.now() < registered.doubtUntil) {
    const seen = await poll(registered, limits);
    if (seen instanceof ApiError && !isDenied(seen)) return seen;
    if (seen === "registered") return stillRegistered();
    const isRefused = seen instanceof ApiError;
    if (isRefused) log.warn(seen.message, registered.fields);
    // Where polls are refused, the end of the doubt is all that is left to wait for.
    const left = registered.doubtUntil - clock.now();
    const pause = isRefused ? left : Math.min(left, times.confirmSettle / POLLS_WHILE_SETTLING);
    await sleep(clock.within(pause, limits.deadline));
  }
  return "send-again";
}

async function sendDeregister(
  registered: Registered,
  limits: Limits,
): Promise<ApiError | undefined> {
  const { group, target, options: { elb } } = registered;
  const { deadline, timeout } = limits;
  try {
    await elb.deregisterTarget(group.arn, target, { signal: deadline, timeout });
    return undefined;
  } catch (thrown) {
    const error = asApiError(thrown, "DeregisterTargets", timeout);
    if (error.effect === "unknown") registered.deregisteringInDoubt();
    return error;
  }
}

async function poll(
  registered: Registered,
  limits: Limits,
): Promise<ReturnType<typeof membershipIn> | ApiError> {
  const { options, fields } = registered;
  const { deadline, timeout } = limits;
  const health = await pollHealth(registered, { ...options, timeout }, deadline);
  const seen = provesAbsence(health)
    ? "absent"
    : health instanceof ApiError
    ? health
    : membershipIn(health);
  const result = seen instanceof ApiError ? seen.message : seen;
  options.log.debug("polled for the target", { ...fields, result });
  return seen;
}

/** The time was over while a RegisterTargets call might still be applied. */
function endedInDoubt(): ApiError {
  return new ApiError("RegisterTargets had no answer until the time to deregister was over", {
    call: "DeregisterTargets",
    code: "InDoubt",
    retryable: true,
    effect: "unknown",
  });
}

function stillRegistered(): ApiError {
  return new ApiError("the API reports the target as still registered", {
    call: "DeregisterTargets",
    code: "StillRegistered",
    retryable: true,
    effect: "unknown",
  });
}
