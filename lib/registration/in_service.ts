/** Waiting until a load balancer calls a target healthy. */
import { backOff, isThrottling, type Progress } from "../aws/retry.ts";
import type { ElasticLoadBalancing, TargetHealth } from "../aws/elb.ts";
import { ApiError } from "../aws/errors.ts";
import { type Clock, sleep } from "../host/clock.ts";
import { durationText, type Milliseconds } from "../host/duration.ts";
import type { Log, LogFields } from "../host/log.ts";
import type { Attachment, Group } from "./resolve.ts";
import { pollHealth, remedy } from "./health.ts";
import { nextPollIn, observe, type ObservedState } from "./poll_schedule.ts";

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

/**
 * Polls until the target is healthy.
 * @returns Nothing where it is, else why not, as the end of a message.
 * @throws The reason of `stop`.
 */
export async function waitInService(
  attachment: Attachment,
  options: InServiceOptions,
): Promise<string | undefined> {
  const { group, target } = attachment;
  const { clock, log } = options;
  const deadline = clock.within(options.time, options.stop);
  const started = clock.now();
  let known: ObservedState | undefined;
  let errors = 0;
  let pause = firstPollIn(group, options);
  while (true) {
    await sleep(clock.within(pause, deadline));
    options.stop.throwIfAborted();
    if (deadline.aborted) return lastWords(known?.health, options.time);
    const health = await pollHealth(attachment, options, deadline);
    options.stop.throwIfAborted();
    const now = clock.now() - started;
    if (health instanceof ApiError) {
      log.warn(health.message, { target_group: group.name, attempt: ++errors });
      if (!health.retryable) return health.message;
    } else {
      errors = 0;
      options.onHealth?.(health);
      log.debug("polled the target's health", fieldsOf(group, health));
      if (health.state === "healthy") {
        log.info("target is in service", {
          target_group: group.name,
          target: target.id,
          took: durationText(now),
        });
        return undefined;
      }
      known = observe(known, health, now);
      if (known.by === now) logState(group, health, log);
    }
    const planned = nextPollIn(group.healthCheck, now, known, clock.random());
    pause = health instanceof ApiError
      ? afterError(health, { failedBefore: errors, left: options.time - now }, { planned, clock })
      : planned;
  }
}

/** By plan, and in any case early enough for another. */
function firstPollIn({ healthCheck }: Group, { clock, time }: InServiceOptions): Milliseconds {
  return Math.min(nextPollIn(healthCheck, 0, undefined, clock.random()), time / 2);
}

/**
 * What throttles is that the account's sidecars poll more than they may together: to poll again
 * sooner than planned would make it worse.
 */
function afterError(
  error: ApiError,
  progress: Progress,
  { planned, clock }: { readonly planned: Milliseconds; readonly clock: Clock },
): Milliseconds {
  const delay = backOff(error, progress, clock);
  return isThrottling(error) ? Math.max(delay, planned * (0.5 + clock.random() / 2)) : delay;
}

function logState(group: Group, health: TargetHealth, log: Log): void {
  const what = remedy(health);
  const fields = fieldsOf(group, health);
  if (what === undefined) log.info("target is not in service yet", fields);
  else log.warn(`the target will not become healthy by waiting: ${what}`, fields);
}

function fieldsOf(group: Group, { target, state, reason, description }: TargetHealth): LogFields {
  return { target_group: group.name, target: target.id, state, reason, description };
}

function lastWords(last: TargetHealth | undefined, time: Milliseconds): string {
  const state = last === undefined
    ? "no DescribeTargetHealth call succeeded"
    : `it is ${[last.state, last.reason].filter(Boolean).join(", ")}`;
  return `the target is not healthy after ${durationText(time)}: ${state}`;
}
