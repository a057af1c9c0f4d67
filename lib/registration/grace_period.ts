/** The pod's grace period: what is left of it, and for what. */
import { RESERVE } from "../config/flags.ts";
import type { Clock } from "../host/clock.ts";
import { durationText, type Milliseconds } from "../host/duration.ts";
import type { Log } from "../host/log.ts";

/** Counts from the first drain or stop on: the kubelet counts from the pod's deletion. */
export class GracePeriod {
  readonly #time: Milliseconds;
  readonly #clock: Clock;
  readonly #log: Pick<Log, "warn">;
  #beganAt: Milliseconds | undefined;

  /** @param time The whole of it; 0: not known. */
  constructor(time: Milliseconds, clock: Clock, log: Pick<Log, "warn">) {
    this.#time = time;
    this.#clock = clock;
    this.#log = log;
  }

  /** Whether waits are to be clipped at all. */
  get isKnown(): boolean {
    return this.#time > 0;
  }

  /** It begins now, unless it has begun. */
  begin(): void {
    this.#beganAt ??= this.#clock.now();
  }

  /** The pod lives on: whatever comes next begins it anew. */
  reset(): void {
    this.#beganAt = undefined;
  }

  /**
   * The part of a wait that fits into what is left; says so in the log where that is not all.
   * @param reserve What is to be left afterwards.
   */
  clip(wait: Milliseconds, reserve: Milliseconds = RESERVE): Milliseconds {
    if (!this.isKnown || this.#beganAt === undefined) return wait;
    const left = Math.max(0, this.#beganAt + this.#time - reserve - this.#clock.now());
    if (left >= wait) return wait;
    this.#log.warn("-grace-period leaves less time than a step may take", {
      step: durationText(wait),
      left: durationText(left),
      grace_period: durationText(this.#time),
    });
    return left;
  }
}
