/** Waiting until a load balancer calls a target healthy. */
import { backOff, isThrottling } from "../aws/retry.ts";
import type { TargetHealth } from "../aws/elb.ts";
import { ApiError } from "../aws/errors.ts";
import { sleep } from "../host/clock.ts";
import { durationText, type Milliseconds } from "../host/duration.ts";
import { remedy, stateOf } from "./health.ts";
import {
  nextPollIn,
  observe,
  type ObservedState,
  RECOVERY,
  throttledPollIn,
} from "./poll_schedule.ts";
import type { Registration } from "./registration.ts";

/**
 * Polls until the target is healthy, for as long as `time` at most.
 * @returns Nothing where it is, else why not, as the end of a message.
 * @throws The reason of `stop`.
 */
export async function waitInService(
  registration: Registration,
  time: Milliseconds,
  stop: AbortSignal,
): Promise<string | undefined> {
  const { group: { healthCheck }, fields, options: { clock, log } } = registration;
  const deadline = clock.within(time, stop);
  const started = clock.now();
  let known: ObservedState | undefined;
  let errors = 0;
  let throttles = 0;
  // By plan, and in any case early enough for another.
  let pause = Math.min(nextPollIn(healthCheck, 0, undefined, clock.random()), time / 2);
  while (true) {
    await sleep(clock.within(pause, deadline));
    stop.throwIfAborted();
    if (deadline.aborted) return lastWords(known?.health, time);
    const health = await registration.poll({ signal: deadline });
    stop.throwIfAborted();
    const now = clock.now() - started;
    if (health instanceof ApiError) {
      log.warn(health.message, { ...fields, attempt: ++errors });
      if (!health.retryable) return health.message;
    } else {
      errors = 0;
      throttles = Math.max(0, throttles - RECOVERY);
      log.debug("polled the target's health", { ...fields, ...stateOf(health) });
      if (health.state === "healthy") {
        const { override } = health;
        const level = override === undefined ? "info" : "warn";
        log[level]("target is in service", { ...fields, override, took: durationText(now) });
        return undefined;
      }
      if (registration.observation.wasInService) {
        log.info("target counts as in service: no listener uses target group", fields);
        return undefined;
      }
      known = observe(known, health, now);
      if (known.by === now) logState(registration, health);
    }
    const planned = nextPollIn(healthCheck, now, known, clock.random());
    const isThrottled = health instanceof ApiError && isThrottling(health);
    if (isThrottled) throttles++;
    pause = health instanceof ApiError && !isThrottled
      ? backOff(health, { failedBefore: errors, left: time - now }, clock)
      : throttles > 0
      ? throttledPollIn(planned, now, throttles, clock.random())
      : planned;
  }
}

function logState({ options: { log }, fields }: Registration, health: TargetHealth): void {
  const what = remedy(health);
  const all = { ...fields, ...stateOf(health) };
  if (what === undefined) log.info("target is not in service yet", all);
  else log.warn(`the target will not become healthy by waiting: ${what}`, all);
}

function lastWords(last: TargetHealth | undefined, time: Milliseconds): string {
  const state = last === undefined
    ? "no DescribeTargetHealth call succeeded"
    : `it is ${[last.state, last.reason].filter(Boolean).join(", ")}`;
  return `the target is not healthy after ${durationText(time)}: ${state}`;
}
