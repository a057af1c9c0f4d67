/** Seeing to it that a target stays registered, and how healthy it is, while the sidecar serves. */
import type { ElasticLoadBalancing, TargetHealth } from "../aws/elb.ts";
import { ApiError, isGroupNotFound } from "../aws/errors.ts";
import { attemptTimedOut } from "../aws/retry.ts";
import { type Clock, isTimeout, sleep } from "../host/clock.ts";
import type { Milliseconds } from "../host/duration.ts";
import type { Log } from "../host/log.ts";
import { standing } from "./health.ts";
import type { Registration } from "./registration.ts";

/** Ports and parameters of the watch. */
export interface WatchOptions {
  readonly elb: ElasticLoadBalancing;
  readonly clock: Clock;
  readonly log: Log;
  /** How often to ask; 0: only until the target is healthy for the first time. */
  readonly interval: Milliseconds;
  /** Ends the watch. */
  readonly stop: AbortSignal;
  /** The last answer, if there was one. */
  readonly known: TargetHealth | undefined;
  readonly onHealth: (health: TargetHealth) => void;
  /** Told when a target that somebody else deregistered is registered again. */
  readonly onReregistered: () => void;
  /** Told when there is nothing to watch any more. */
  readonly onEnded: (reason: string) => void;
}

/** How often to ask for a target that is not healthy yet, where no interval is given. */
const UNTIL_HEALTHY: Milliseconds = 30_000;
/** One question's limit. */
const QUESTION: Milliseconds = 10_000;

/** Watches one registration until the signal ends, or nothing is left to watch. Never throws. */
export async function watch(registration: Registration, options: WatchOptions): Promise<void> {
  const { clock, log, interval, stop } = options;
  const { group, fields } = registration;
  let last = options.known?.state ?? "healthy";
  while (true) {
    // Half of it to one and a half: the sidecars of a fleet do not march in step.
    await sleep(clock.within((interval || UNTIL_HEALTHY) * (0.5 + clock.random()), stop));
    if (stop.aborted) return;
    const health = await ask(registration, options);
    if (stop.aborted) return;
    if (health instanceof ApiError) {
      if (isGroupNotFound(health)) {
        log.error("the target group was deleted: it is not watched any more", fields);
        return options.onEnded("the target group was deleted");
      }
      log.warn(health.message, fields);
      continue;
    }
    options.onHealth(health);
    if (standing(health) !== "registered") {
      await registerAgain(registration, options);
      continue;
    }
    if (health.state !== last) {
      const seen = { ...fields, state: health.state, reason: health.reason };
      if (health.state === "healthy") log.info("target is healthy again", seen);
      else log.warn("target is not healthy", seen);
      last = health.state;
    }
    if (interval === 0 && health.state === "healthy") {
      log.info("target is in service", {
        target_group: group.name,
        target: registration.target.id,
      });
      return;
    }
  }
}

async function ask(
  { group, target }: Registration,
  { elb, clock, stop }: WatchOptions,
): Promise<TargetHealth | ApiError> {
  try {
    return await elb.describeTargetHealth(group.arn, target, {
      signal: clock.within(QUESTION, stop),
    });
  } catch (error) {
    if (error instanceof ApiError) return error;
    // A stop's reason too: the caller looks at the signal.
    if (isTimeout(error) || stop.aborted) return attemptTimedOut("DescribeTargetHealth", QUESTION);
    throw error;
  }
}

/** Only where that is certain: right after registering, the API may not know the target yet. */
async function registerAgain(registration: Registration, options: WatchOptions): Promise<void> {
  const { clock, log, stop, onReregistered } = options;
  if (clock.now() < registration.settledAt) return;
  log.warn("somebody else deregistered the target: registering it again", registration.fields);
  try {
    await registration.register(stop);
    onReregistered();
  } catch (error) {
    if (stop.aborted) return;
    if (!(error instanceof ApiError)) throw error;
    log.error(`the target is not registered: ${error.message}`, registration.fields);
  }
}
