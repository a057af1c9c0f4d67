/**
 * When to poll a target's health next. Pure: from a group's settings, and what is known of the
 * target, to a time. `docs/polling.md` has the reasons, and what it is worth.
 */
import type { HealthCheck, TargetHealth } from "../aws/elb.ts";
import type { Milliseconds } from "../host/duration.ts";

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

/** No more than this lies between two polls where a target may turn healthy. */
const LONGEST: Milliseconds = 15_000;
/** Not even where none can: the load balancer may do what its documentation does not say. */
const LONGEST_QUIET: Milliseconds = 60_000;
/**
 * What a poll is worth: the gap that costs least where one more poll weighs as much as to
 * know this much earlier, and a target turns healthy at any moment of an interval alike, is the
 * root of twice this times the interval.
 */
const WORTH: Milliseconds = 2_000;

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
  const pace = paceOf(healthCheck);
  if (known === undefined) return pace.first * (0.5 + chance / 2);
  const { quiet, likely } = outlook(known, pace);
  if (quiet !== undefined && now >= quiet.from && now < quiet.to) {
    return Math.min(
      LONGEST_QUIET * (0.75 + chance / 4),
      Math.max(pace.sparse, quiet.to - now + pace.close * chance),
    );
  }
  if (likely.some(({ from, to }) => now >= from && now < to)) return pace.close;
  const starts = likely.map(({ from }) => from - now).filter((time) => time > 0);
  return Math.min(pace.sparse, ...starts.map((time) => Math.max(time, pace.close)));
}

/** The times that follow from a group's settings. */
interface Pace {
  readonly interval: Milliseconds;
  readonly healthyThreshold: number;
  readonly unhealthyThreshold: number;
  readonly first: Milliseconds;
  readonly close: Milliseconds;
  readonly sparse: Milliseconds;
}

function paceOf({ intervalSeconds, healthyThreshold, unhealthyThreshold }: HealthCheck): Pace {
  const interval = intervalSeconds * 1_000;
  return {
    interval,
    healthyThreshold,
    unhealthyThreshold,
    first: Math.min(LONGEST, interval),
    close: Math.min(LONGEST, interval, Math.sqrt(2 * WORTH * interval)),
    // Shorter than 15 s for emulators alone: the API allows no interval below 5 s.
    sparse: Math.min(LONGEST, 3 * interval),
  };
}

interface Span {
  readonly from: Milliseconds;
  readonly to: Milliseconds;
}

/** When the target may turn healthy, as far as its settings and its state tell. */
interface Outlook {
  /** It cannot here. */
  readonly quiet?: Span;
  /** It does here, if its checks are passed. Elsewhere it may too. */
  readonly likely: readonly Span[];
}

function outlook({ health: { state, reason }, after, by }: ObservedState, pace: Pace): Outlook {
  const { interval, healthyThreshold, unhealthyThreshold } = pace;
  // The first of the passed checks may be made at once, and each of the others an interval later.
  const byThreshold = {
    from: after + (healthyThreshold - 1) * interval,
    to: by + healthyThreshold * interval,
  };
  // A state that may have begun before the target was registered (again) tells no time.
  const isSeenToBegin = after > 0;
  if (state === "initial" && reason === "Elb.InitialHealthChecking") {
    // A load balancer may call a fresh target healthy after its first passed check. One that does
    // has by now: fewer failed checks than that in a row are not possible without a passed one.
    const firstRuleIsOut = by + (unhealthyThreshold + 1) * interval;
    return {
      ...(isSeenToBegin && { quiet: { from: firstRuleIsOut, to: byThreshold.from } }),
      likely: [{ from: after, to: by + interval }, byThreshold],
    };
  }
  if (state === "unhealthy") {
    // A check failed after `after`, so no passed one before it counts.
    return {
      ...(isSeenToBegin && { quiet: { from: by, to: byThreshold.from } }),
      likely: [byThreshold],
    };
  }
  return { likely: [] };
}
