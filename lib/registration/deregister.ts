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
import { ApiError, isGroupNotFound } from "../aws/errors.ts";
import { asApiError, attemptTime, backOff } from "../aws/retry.ts";
import { followedBy, sleep } from "../host/clock.ts";
import { durationText, type Milliseconds } from "../host/duration.ts";
import { type Seen, seenIn } from "./health.ts";
import type { Registration } from "./registration.ts";

/** What deregistering gets at least, and what is kept back for the exit. */
const SHORTEST: Milliseconds = 2_000;

/** An attempt gets at least so long, however short `-deregister-timeout` is. */
const SHORTEST_ATTEMPT: Milliseconds = 1_000;

/** How many polls the settle time is divided into. */
const POLLS_WHILE_SETTLING = 4;

/** Without a time to deregister: how long it may take after a second stop signal, and be refused. */
const PATIENCE: Milliseconds = 30_000;

/** A refusal that only a change of policy ends: so often is enough, and it may come in time. */
const REFUSED_PAUSE: Milliseconds = 5_000;

/**
 * Deregisters a target that may be registered, and confirms it where needed. Its membership is
 * `draining` after that, or `unknown` where time ran out. Never throws.
 */
export async function deregister(registration: Registration): Promise<void> {
  const { clock, log } = registration.options;
  const started = clock.now();
  const error = await untilConfirmed(registration);
  const fields = { ...registration.fields, took: durationText(clock.now() - started) };
  if (error === undefined) {
    registration.membership = { at: "draining", since: clock.now() };
    log.info("target deregistered", fields);
  } else {
    registration.membership = { at: "unknown", reason: error.message };
    log.error("could not confirm that the target is deregistered", fields);
  }
}

/** @returns The last error, where time ran out. */
async function untilConfirmed(registration: Registration): Promise<ApiError | undefined> {
  const { options: { clock, log, times, clip }, fields } = registration;
  const inDoubt = registration.inFlight !== undefined || clock.now() < registration.doubtUntil;
  const wanted = times.deregister + (inDoubt ? times.confirmSettle : 0);
  // The kubelet lets a container live for two seconds more, however short the time has become.
  const time = Math.max(SHORTEST, clip(wanted, SHORTEST));
  const endsAt = clock.now() + time;
  const deadline = clock.within(time, ...earlierEnds(registration));
  const limits = { deadline, timeout: Math.max(SHORTEST_ATTEMPT, attemptTime(time)) };
  let last: ApiError | undefined;
  let refusedSince: Milliseconds | undefined;
  for (let failedBefore = 0;; failedBefore++) {
    const end = await attempt(registration, limits);
    if (end === "deregistered") return undefined;
    if (end === "send-again" && !deadline.aborted) continue;
    const error = end === "send-again"
      ? unsettled("RegisterTargets had no answer until the time to deregister was over")
      : end;
    // An attempt that the end cut short tells less than the one before it.
    if (deadline.aborted) return last ?? error;
    refusedSince = error.retryable ? undefined : refusedSince ?? clock.now();
    // A policy may be mended in time, but seldom is: what cannot be confirmed is better said.
    const isHopeless = clock.now() - (refusedSince ?? Infinity) >= PATIENCE;
    if (isHopeless && times.deregister === Infinity) return error;
    const delay = backOff(error, { failedBefore, left: endsAt - clock.now() }, clock);
    const pause = error.retryable ? delay : Math.max(delay, REFUSED_PAUSE);
    // A final refusal is said once: it stays the same until a person changes a policy.
    const isRepeated = !error.retryable && error.message === last?.message;
    log[isRepeated ? "debug" : "warn"](error.message, {
      ...fields,
      attempt: failedBefore + 1,
      next_try_in: durationText(pause),
    });
    last = error;
    await sleep(clock.within(pause, deadline));
    if (deadline.aborted) return error;
  }
}

/** What is not known when it begins, and ends it sooner. */
function earlierEnds({ options }: Registration): readonly AbortSignal[] {
  const { clock, forcedStop, times, graceBegins, clip } = options;
  // Who stops it twice does not want to wait for the pod's end.
  const forced = followedBy(forcedStop, () => clock.within(PATIENCE));
  // After a step that failed, the pod may be deleted at any later moment.
  const grace = graceBegins &&
    followedBy(graceBegins(), () => clock.within(Math.max(SHORTEST, clip(Infinity, SHORTEST))));
  return [...(times.deregister === Infinity ? [forced] : []), ...(grace ? [grace] : [])];
}

/** When all ends, and how long one call may take. */
interface Limits {
  readonly deadline: AbortSignal;
  readonly timeout: Milliseconds;
}

/** One DeregisterTargets call, and what it takes to know whether it was enough. */
async function attempt(
  registration: Registration,
  limits: Limits,
): Promise<"deregistered" | "send-again" | ApiError> {
  const { clock, log } = registration.options;
  const { inFlight } = registration;
  const sentAt = clock.now();
  const error = await sendDeregister(registration, limits);
  if (error !== undefined) {
    const end = await pollAfterError(registration, error, limits);
    if (end === "deregistered") {
      log.warn(`${error.message}; but the target is no longer registered`, registration.fields);
    }
    return end;
  }
  // Knowing beats guessing: the answer of a RegisterTargets call that was in flight.
  const result = inFlight === undefined
    ? "not-registered"
    : await abortable(inFlight, limits.deadline).catch(() => "unknown" as const);
  if (result === "registered") return "send-again";
  const isCertain = result === "not-registered" && sentAt >= registration.doubtUntil;
  return isCertain ? "deregistered" : await pollUntilSettled(registration, limits);
}

/**
 * After a DeregisterTargets call that failed: was it applied all the same, or is there nothing to
 * deregister? A call that was refused for the moment (throttled) is just made again.
 */
async function pollAfterError(
  registration: Registration,
  error: ApiError,
  limits: Limits,
): Promise<"deregistered" | ApiError> {
  const refusedForNow = error.effect === "none" && error.retryable;
  if (refusedForNow || registration.inFlight !== undefined) return error;
  // A slow answer tells of an earlier moment, perhaps of the one when the request went out.
  const isSettled = registration.options.clock.now() >= registration.settledAt;
  const seen = await poll(registration, limits);
  if (isGroupNotFound(error) && isDenied(seen)) return "deregistered";
  return isSettled && (seen === "draining" || seen === "absent") ? "deregistered" : error;
}

/**
 * Where DescribeTargetHealth is refused, a deleted group is proof enough: it was there when the
 * target was registered, and all its targets went with it.
 */
function isDenied(seen: Seen | ApiError): boolean {
  return seen instanceof ApiError && !seen.retryable && seen.effect === "none";
}

/**
 * After an answered DeregisterTargets call: polls until no earlier call can be applied any more.
 * Then only one more DeregisterTargets call makes it certain: a poll may be out of date.
 */
async function pollUntilSettled(
  registration: Registration,
  limits: Limits,
): Promise<"send-again" | ApiError> {
  const { clock, times, log } = registration.options;
  while (clock.now() < registration.doubtUntil) {
    const seen = await poll(registration, limits);
    if (seen instanceof ApiError && !isDenied(seen)) return seen;
    if (seen === "registered") return unsettled("the API reports the target as still registered");
    const isRefused = seen instanceof ApiError;
    if (isRefused) log.warn(seen.message, registration.fields);
    // Where polls are refused, the end of the doubt is all that is left to wait for.
    const left = registration.doubtUntil - clock.now();
    const pause = isRefused ? left : Math.min(left, times.confirmSettle / POLLS_WHILE_SETTLING);
    await sleep(clock.within(pause, limits.deadline));
  }
  return "send-again";
}

async function sendDeregister(
  registration: Registration,
  limits: Limits,
): Promise<ApiError | undefined> {
  const { group, target, options: { elb } } = registration;
  const { deadline, timeout } = limits;
  try {
    await elb.deregisterTarget(group.arn, target, { signal: deadline, timeout });
    return undefined;
  } catch (thrown) {
    const error = asApiError(thrown, "DeregisterTargets", timeout);
    if (error.effect === "unknown") registration.deregisteringInDoubt();
    return error;
  }
}

async function poll(
  registration: Registration,
  { deadline, timeout }: Limits,
): Promise<Seen | ApiError> {
  const { options: { log }, fields } = registration;
  const seen = seenIn(await registration.poll({ signal: deadline, timeout }));
  const result = seen instanceof ApiError ? seen.message : seen;
  log.debug("polled for the target", { ...fields, result });
  return seen;
}

/** A DeregisterTargets call was answered, and the target may be registered all the same. */
function unsettled(message: string): ApiError {
  return new ApiError(message, {
    call: "DeregisterTargets",
    code: "Unsettled",
    retryable: true,
    effect: "unknown",
  });
}
