/** How long a life may take. Milliseconds. */
import { HOOK_EVENTS } from "../../../lib/hooks/hook.ts";
import { LONGEST_ENDING } from "../hooks.ts";
import type { World } from "../world.ts";

/** Timers know whole milliseconds alone, and what is left of a time is rounded each time. */
export const ROUNDING = 3;

/** Where deregistering has no limit, a user loses patience so long after the stop. */
export const USERS_PATIENCE = 10 * 60_000;
/** Without a limit, deregistering ends so long after a second stop signal, or where it is refused. */
export const PATIENCE = 30_000;

/** The sum of all deadlines that a life may use up after its stop; drains may have been asked for. */
export function longestEnd(
  { scenario: { config }, facts }: World,
  isDrained = facts.drains.length > 0,
): number {
  const { timeouts, hooks, drain } = config;
  const ofHooks = HOOK_EVENTS.reduce(
    (sum, event) => sum + hooks[event].timeout + LONGEST_ENDING,
    0,
  );
  const leaving = Math.min(timeouts.deregister, USERS_PATIENCE + PATIENCE) + timeouts.confirmSettle;
  // A stranger who registers the target while it drains makes it leave once more.
  const draining = drain.timeout + leaving;
  // A drain that is asked for at the last moment is waited for, and may be the second one.
  const ofDraining = isDrained ? 3 * draining + leaving : drain.wait ? draining : 0;
  return leaving + ofDraining + ofHooks + 1_000;
}

/** The sum of all deadlines from the beginning of a cycle until the sidecar serves. */
export function longestStart({ scenario: { config, weather } }: World): number {
  const { timeouts, hooks, inService, application } = config;
  const isCalm = weather.trouble === 0 && weather.quota.to === 0;
  const limit = (time: number) => isCalm ? Math.min(time, 60_000) : time;
  return limit(timeouts.resolve) + application.timeout + limit(timeouts.register) +
    (inService.wait ? inService.timeout : 0) +
    hooks["pre-register"].timeout + hooks["post-register"].timeout + 2 * LONGEST_ENDING + 1_000;
}
