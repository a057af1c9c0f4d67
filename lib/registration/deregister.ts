/**
 * Leaving a target group, for certain.
 *
 * The hard part is what is not known. A RegisterTargets call whose answer was never seen may be
 * applied seconds after the client has gone away, even after a DeregisterTargets call that was
 * answered; and a reply soon after registering may still say that the target is not registered.
 * So wherever an answer is missing, what the API says is looked at until a settle time has
 * passed. "Gone" is said only when it is known.
 */
import { abortable } from "@std/async/abortable";
import type { ElasticLoadBalancing, Target } from "../aws/elb.ts";
import { type ApiCall, ApiError } from "../aws/errors.ts";
import { attemptTime, attemptTimedOut, backOff } from "../aws/retry.ts";
import { type Clock, isTimeout, sleep } from "../host/clock.ts";
import { durationText, type Milliseconds } from "../host/duration.ts";
import type { Log, LogFields } from "../host/log.ts";
import type { GracePeriod } from "./grace_period.ts";
import type { Group } from "./resolve.ts";
import { saysAbsent, type Standing, standing } from "./health.ts";

/** How a registration ended. */
export type Departure =
  /** No call that could have registered the target was applied, or can be. */
  | { readonly outcome: "never-registered" }
  | { readonly outcome: "gone" }
  /** Time ran out, and nobody knows. `reason` is the last fault's sentence. */
  | { readonly outcome: "unconfirmed"; readonly reason: string };

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
  readonly grace?: GracePeriod;
  /** Told whenever more is known of where the target stands. */
  readonly onKnown?: (known: Known) => void;
}

/** What the answers so far say of the target; `unknown`: an answer is missing. */
export type Known = "absent" | "registered" | "unknown";

/** A registration as far as leaving it needs to know. */
export interface Departing {
  readonly group: Group;
  readonly target: Target;
  readonly options: RegistrationOptions;
  /** Which target and group: for log lines. */
  readonly fields: LogFields;
  /**
   * A RegisterTargets call that is on its way, if any: ends with what its answer says, at the
   * call's own time limit at the latest.
   */
  readonly inFlight: Promise<Known> | undefined;
  /** Until then, a RegisterTargets call whose answer was not seen may still be applied. */
  readonly doubtUntil: Milliseconds;
  /** Until then, a reply that the target is not registered may be out of date. */
  readonly settledAt: Milliseconds;
}

/** What deregistering gets at least, and what is kept back for the exit. */
const SHORTEST: Milliseconds = 2_000;

/** How many looks the settle time is divided into. */
const LOOKS_WHILE_SETTLING = 4;

/** Deregisters until it is known that the target is gone, or the time is up. Never throws. */
export async function depart(registration: Departing): Promise<Departure> {
  const { clock, log, times, grace } = registration.options;
  const inDoubt = registration.inFlight !== undefined || clock.now() < registration.doubtUntil;
  const wanted = times.deregister + (inDoubt ? times.confirmSettle : 0);
  // The kubelet lets a container live for two seconds more, however short the time has become.
  const time = Math.max(SHORTEST, grace?.clip(wanted, SHORTEST) ?? wanted);
  const endsAt = clock.now() + time;
  const deadline = clock.within(time);
  let last: ApiError | undefined;
  for (let failedBefore = 0;; failedBefore++) {
    const end = await departOnce(registration, deadline);
    if (end === "gone") return { outcome: "gone" };
    if (end === "send-again" && !deadline.aborted) continue;
    const fault = end === "send-again" ? stillRegistered() : end;
    // An attempt that the end cut short tells less than the one before it.
    if (deadline.aborted) return { outcome: "unconfirmed", reason: (last ?? fault).message };
    last = fault;
    const delay = backOff(fault, { failedBefore, left: endsAt - clock.now() }, clock);
    log.warn(fault.message, {
      ...registration.fields,
      attempt: failedBefore + 1,
      next_try_in: durationText(delay),
    });
    await sleep(clock.within(delay, deadline));
    if (deadline.aborted) return { outcome: "unconfirmed", reason: fault.message };
  }
}

/** One DeregisterTargets call, and what it takes to know whether it was enough. */
async function departOnce(
  registration: Departing,
  deadline: AbortSignal,
): Promise<"gone" | "send-again" | ApiError> {
  const { clock, log } = registration.options;
  const beside = registration.inFlight;
  const sentAt = clock.now();
  const fault = await deregister(registration, deadline);
  if (fault !== undefined) {
    const end = await lookAfterFault(registration, fault, deadline);
    if (end === "gone") log.warn(`${fault.message}; but the target is gone`, registration.fields);
    return end;
  }

  const registered = await answerOf(beside, deadline);
  if (registered === "registered") return "send-again";
  const certain = registered === "absent" && sentAt >= registration.doubtUntil;
  return certain ? "gone" : await lookUntilSettled(registration, deadline);
}

/** Knowing beats guessing: waits for the answer of a RegisterTargets call that was on its way. */
async function answerOf(
  inFlight: Promise<Known> | undefined,
  deadline: AbortSignal,
): Promise<Known> {
  if (inFlight === undefined) return "absent";
  return await abortable(inFlight, deadline).catch(() => "unknown" as const);
}

/**
 * After a DeregisterTargets call that failed: was it applied all the same, or is there nothing to
 * deregister? A call that was refused for the moment (throttled) is just made again.
 */
async function lookAfterFault(
  registration: Departing,
  fault: ApiError,
  deadline: AbortSignal,
): Promise<"gone" | ApiError> {
  const refusedForNow = fault.effect === "none" && fault.retryable;
  if (refusedForNow || registration.inFlight !== undefined) return fault;
  // A slow answer tells of an earlier moment, perhaps of the one when the question went out.
  const isSettled = registration.options.clock.now() >= registration.settledAt;
  const seen = await look(registration, deadline);
  return isSettled && (seen === "draining" || seen === "absent") ? "gone" : fault;
}

/**
 * After an answered DeregisterTargets call: looks until no earlier call can be applied any more.
 * Then only one more DeregisterTargets call makes it certain: a look may be out of date.
 */
async function lookUntilSettled(
  registration: Departing,
  deadline: AbortSignal,
): Promise<"send-again" | ApiError> {
  const { clock, times } = registration.options;
  while (true) {
    if (clock.now() >= registration.doubtUntil) return "send-again";
    const seen = await look(registration, deadline);
    if (seen instanceof ApiError) return seen;
    if (seen === "registered") return stillRegistered();
    const pause = Math.min(
      registration.doubtUntil - clock.now(),
      times.confirmSettle / LOOKS_WHILE_SETTLING,
    );
    await sleep(clock.within(pause, deadline));
  }
}

async function deregister(
  registration: Departing,
  deadline: AbortSignal,
): Promise<ApiError | undefined> {
  const { group, target, options: { elb } } = registration;
  const answer = await ask(
    "DeregisterTargets",
    registration,
    deadline,
    (signal) => elb.deregisterTarget(group.arn, target, { signal }),
  );
  return answer instanceof ApiError ? answer : undefined;
}

async function look(
  registration: Departing,
  deadline: AbortSignal,
): Promise<Standing | ApiError> {
  const { group, target, options: { elb } } = registration;
  const health = await ask(
    "DescribeTargetHealth",
    registration,
    deadline,
    (signal) => elb.describeTargetHealth(group.arn, target, { signal }),
  );
  const seen = health instanceof ApiError
    ? saysAbsent(health) ? "absent" : health
    : standing(health);
  const result = seen instanceof ApiError ? seen.message : seen;
  registration.options.log.debug("looked for the target", { ...registration.fields, result });
  return seen;
}

/** Makes one call under its own limit; what fails is a value here. */
async function ask<T>(
  call: ApiCall,
  { options: { clock, times } }: Departing,
  deadline: AbortSignal,
  send: (signal: AbortSignal) => Promise<T>,
): Promise<T | ApiError> {
  const limit: Milliseconds = attemptTime(times.deregister);
  try {
    return await send(clock.within(limit, deadline));
  } catch (error) {
    if (error instanceof ApiError) return error;
    if (isTimeout(error)) return attemptTimedOut(call, limit);
    return new ApiError(String(error), {
      call,
      code: "Unexpected",
      retryable: true,
      effect: "unknown",
    }, { cause: error });
  }
}

function stillRegistered(): ApiError {
  return new ApiError("the API says that the target is registered still", {
    call: "DeregisterTargets",
    code: "StillRegistered",
    retryable: true,
    effect: "unknown",
  });
}
