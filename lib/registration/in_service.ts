/** Waiting until a load balancer calls a target healthy. */
import { attemptTimedOut, backOff, isThrottling, type Progress } from "../aws/retry.ts";
import type { ElasticLoadBalancing, Target, TargetHealth } from "../aws/elb.ts";
import { ApiError } from "../aws/errors.ts";
import { type Clock, isTimeout, sleep } from "../host/clock.ts";
import { durationText, type Milliseconds } from "../host/duration.ts";
import type { Log, LogFields } from "../host/log.ts";
import type { Group } from "./resolve.ts";
import { remedy } from "./health.ts";
import { nextQuestionIn, type Sighting, sighting } from "./poll_schedule.ts";

/** Ports and parameters of the wait. */
export interface InServiceOptions {
  readonly elb: ElasticLoadBalancing;
  readonly clock: Clock;
  readonly log: Log;
  /** How long to wait at most. */
  readonly time: Milliseconds;
  /** Cuts the wait short; its reason is thrown. */
  readonly stop: AbortSignal;
  /** Told each answer. */
  readonly onHealth?: (health: TargetHealth) => void;
}

/** One question's limit. */
const QUESTION: Milliseconds = 10_000;

/**
 * Asks until the target is healthy.
 * @returns Nothing where it is, else why not, as the end of a sentence.
 * @throws The reason of `stop`.
 */
export async function waitInService(
  group: Group,
  target: Target,
  options: InServiceOptions,
): Promise<string | undefined> {
  const { clock, log } = options;
  const deadline = clock.within(options.time, options.stop);
  const started = clock.now();
  let known: Sighting | undefined;
  let faults = 0;
  let pause = firstQuestionIn(group, options);
  while (true) {
    await sleep(clock.within(pause, deadline));
    options.stop.throwIfAborted();
    if (deadline.aborted) return lastWords(known?.health, options.time);
    const health = await ask(group, target, deadline, options);
    const now = clock.now() - started;
    if (health instanceof ApiError) {
      log.warn(health.message, { target_group: group.name, attempt: ++faults });
      if (!health.retryable) return health.message;
    } else {
      faults = 0;
      options.onHealth?.(health);
      log.debug("asked for the health", fieldsOf(group, health));
      if (health.state === "healthy") {
        log.info("target is in service", {
          target_group: group.name,
          target: target.id,
          took: durationText(now),
        });
        return undefined;
      }
      known = sighting(known, health, now);
      if (known.by === now) logState(group, health, log);
    }
    const planned = nextQuestionIn(group.healthCheck, now, known, clock.random());
    pause = health instanceof ApiError
      ? afterFault(health, { failedBefore: faults, left: options.time - now }, { planned, clock })
      : planned;
  }
}

/** By plan, and in any case early enough for another. */
function firstQuestionIn({ healthCheck }: Group, { clock, time }: InServiceOptions): Milliseconds {
  return Math.min(nextQuestionIn(healthCheck, 0, undefined, clock.random()), time / 2);
}

/**
 * What throttles is that the account's sidecars ask more than they may together: to ask again
 * sooner than planned would make it worse.
 */
function afterFault(
  fault: ApiError,
  progress: Progress,
  { planned, clock }: { readonly planned: Milliseconds; readonly clock: Clock },
): Milliseconds {
  const delay = backOff(fault, progress, clock);
  return isThrottling(fault) ? Math.max(delay, planned * (0.5 + clock.random() / 2)) : delay;
}

async function ask(
  group: Group,
  target: Target,
  deadline: AbortSignal,
  { elb, clock, stop }: InServiceOptions,
): Promise<TargetHealth | ApiError> {
  try {
    return await elb.describeTargetHealth(group.arn, target, {
      signal: clock.within(QUESTION, deadline),
    });
  } catch (error) {
    stop.throwIfAborted();
    if (error instanceof ApiError) return error;
    if (isTimeout(error)) return attemptTimedOut("DescribeTargetHealth", QUESTION);
    throw error;
  }
}

function logState(group: Group, health: TargetHealth, log: Log): void {
  const what = remedy(health);
  const fields = fieldsOf(group, health);
  if (what === undefined) log.info("target is not in service yet", fields);
  else log.warn(`waiting alone will not bring the target into service: ${what}`, fields);
}

function fieldsOf(group: Group, { target, state, reason, description }: TargetHealth): LogFields {
  return { target_group: group.name, target: target.id, state, reason, description };
}

function lastWords(last: TargetHealth | undefined, time: Milliseconds): string {
  const state = last === undefined
    ? "its state could not be asked for"
    : `it is ${[last.state, last.reason].filter(Boolean).join(", ")}`;
  return `the target is not healthy after ${durationText(time)}: ${state}`;
}
