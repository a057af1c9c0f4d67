/**
 * When to poll a target's health next. Pure: from a group's settings, and what is known of the
 * target, to a time. `docs/polling.md` has the reasons, and what it is worth.
 */
import type { HealthCheck, TargetHealth } from "../aws/elb.ts";
import type { Milliseconds } from "../host/duration.ts";
import { remedy } from "./health.ts";

/** A state of a target that was seen. Times are counted from when the target was registered. */
export interface ObservedState {
  readonly health: TargetHealth;
  /** It began after this: the last answer that said something else; 0 where there was none. */
  readonly after: Milliseconds;
  /** It had begun by now: the first answer that said so. */
  readonly by: Milliseconds;
  /** The last answer that said so. */
  readonly last: Milliseconds;
}

/** The time between two polls where the target may turn healthy at any moment. */
const EVERY: Milliseconds = 3_000;
/** Where waiting alone does not make it healthy; and the longest before the first poll. */
const LONGEST: Milliseconds = 15_000;
/** Not even where none can: the load balancer may do what its documentation does not say. */
const LONGEST_QUIET: Milliseconds = 60_000;
/** The longest time between two polls that are throttled. */
const LONGEST_THROTTLED: Milliseconds = 30_000;
/** Few targets are healthy sooner; a poll after that is worth more, up to so many times as much. */
const SELDOM_HEALTHY: Milliseconds = 60_000;
const MOST_WORTH = 10;

/** What a poll takes back of a throttled one: they come to rest where one poll in five is throttled. */
export const RECOVERY = 1 / 4;

/** What is known after another answer. */
export function observe(
  known: ObservedState | undefined,
  health: TargetHealth,
  now: Milliseconds,
): ObservedState {
  const isSame = known?.health.state === health.state && known.health.reason === health.reason;
  return isSame
    ? { ...known, health, last: now }
    : { health, after: known?.last ?? 0, by: now, last: now };
}

/**
 * The time until the next poll.
 * @param now Since the target was registered.
 * @param known Undefined before the first answer.
 * @param chance In [0, 1): spreads the sidecars of a fleet that started at once. It moves the first
 * poll, and those after a quiet time; between, each keeps its place among the others.
 */
export function nextPollIn(
  healthCheck: HealthCheck,
  now: Milliseconds,
  known: ObservedState | undefined,
  chance: number,
): Milliseconds {
  // Shorter for emulators alone: the API allows no interval below 5 s.
  const interval = healthCheck.intervalSeconds * 1_000;
  if (known === undefined) return Math.min(LONGEST, interval) * (0.5 + chance / 2);
  if (remedy(known.health) !== undefined) return LONGEST;
  const every = Math.min(EVERY, interval);
  const quiet = quietTime(known, healthCheck);
  if (quiet === undefined || now < quiet.from || now >= quiet.to) return every;
  return Math.min(LONGEST_QUIET * (0.75 + chance / 4), quiet.to - now + every * chance);
}

/**
 * The time until the next poll where the account's limit throttles, or has done so just now. All who
 * wait share the limit, and those who have waited longest are the likeliest to learn something: the
 * pauses double, and shrink with the time since the target was registered.
 * @param planned By `nextPollIn`.
 * @param now Since the target was registered.
 * @param throttles How many polls were throttled; each that was not takes back a part of one.
 */
export function throttledPollIn(
  planned: Milliseconds,
  now: Milliseconds,
  throttles: number,
  chance: number,
): Milliseconds {
  const worth = Math.min(MOST_WORTH, Math.max(1, now / SELDOM_HEALTHY) ** 4);
  const slowed = Math.min(LONGEST_THROTTLED, planned * 2 ** throttles) / worth;
  return Math.max(planned, slowed) * (0.75 + chance / 2);
}

interface Span {
  readonly from: Milliseconds;
  readonly to: Milliseconds;
}

/** When the target cannot turn healthy, as far as its settings and its state tell. */
function quietTime(
  { health: { state, reason }, after, by }: ObservedState,
  { intervalSeconds, healthyThreshold, unhealthyThreshold }: HealthCheck,
): Span | undefined {
  // A state that may have begun before the target was registered (again) tells no time.
  if (after === 0) return undefined;
  const interval = intervalSeconds * 1_000;
  // The first of the passed checks may be made at once, and each of the others an interval later.
  const to = after + (healthyThreshold - 1) * interval;
  // A check failed after `after`, so no passed one before it counts.
  if (state === "unhealthy") return { from: by, to };
  // A load balancer may call a fresh target healthy after its first passed check. One that does
  // has by then: fewer failed checks than that in a row are not possible without a passed one.
  return reason === "Elb.InitialHealthChecking"
    ? { from: by + (unhealthyThreshold + 1) * interval, to }
    : undefined;
}
