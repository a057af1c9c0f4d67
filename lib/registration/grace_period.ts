/** The pod's grace period: what is left of it, and for what. */
import { RESERVE } from "../config/flags.ts";
import type { Clock } from "../host/clock.ts";
import { durationText, type Milliseconds } from "../host/duration.ts";
import type { Log } from "../host/log.ts";

/** What is left of the grace period depends on these. */
export interface GracePeriodOptions {
  /** The whole of it; 0: not known. */
  readonly time: Milliseconds;
  readonly clock: Clock;
  readonly log: Pick<Log, "warn" | "debug">;
  /** When it began; undefined: it has not begun. */
  readonly since: () => Milliseconds | undefined;
}

/** Clips waits to what is left of the grace period. */
export class GracePeriod {
  readonly #options: GracePeriodOptions;

  constructor(options: GracePeriodOptions) {
    this.#options = options;
  }

  /**
   * The part of a wait that fits into what is left; says so in the log where that is not all.
   * @param reserve What is to be left afterwards.
   */
  clip(wait: Milliseconds, reserve: Milliseconds = RESERVE): Milliseconds {
    const { time, clock, log } = this.#options;
    const since = this.#options.since();
    if (time === 0 || since === undefined) return wait;
    const left = Math.max(0, since + time - reserve - clock.now());
    if (left >= wait) return wait;
    // Every stop has a little less than the whole of it.
    log[left < wait / 2 ? "warn" : "debug"]("shortened a step to fit into -grace-period", {
      step: durationText(wait),
      left: durationText(left),
      grace_period: durationText(time),
    });
    return left;
  }
}
