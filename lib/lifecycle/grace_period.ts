/** The pod's grace period: what is left of it, and for what. */
import { RESERVE } from "../config/flags.ts";
import { durationText, type Milliseconds } from "../host/duration.ts";
import { sinceOf } from "./intent.ts";
import type { Ports } from "./ports.ts";

/** The part of a wait that fits into what is left, with a reserve kept back for what follows. */
export type Clip = (wait: Milliseconds, reserve?: Milliseconds) => Milliseconds;

/** Clips waits to the grace period (0: not known); the log tells where that shortens them. */
export function clipTo(gracePeriod: Milliseconds, { clock, log, intent }: Ports): Clip {
  return (wait, reserve = RESERVE) => {
    const since = sinceOf(intent.now);
    if (gracePeriod === 0 || since === undefined) return wait;
    const left = Math.max(0, since + gracePeriod - reserve - clock.now());
    if (left >= wait) return wait;
    if (wait === Infinity) return left;
    // Every stop has a little less than the whole of it.
    log[left < wait / 2 ? "warn" : "debug"]("shortened a step to fit into -grace-period", {
      step: durationText(wait),
      left: durationText(left),
      grace_period: durationText(gracePeriod),
    });
    return left;
  };
}
