/** When a container that ended is started again. */
import type { Time } from "./time.ts";

/** Kubernetes' seconds. Source: pod-lifecycle.md, "How Pods handle problems with containers". */
const FIRST = 10;
const LONGEST = 300;

/** A container that has run for so long begins anew. */
const RESET_AFTER = 600;

/**
 * The delays of one container: the first restart is at once, then 10 s, 20 s, 40 s and so on after
 * the end, up to 300 s.
 */
export class BackOff {
  #delay = 0;
  #isFirst = true;

  /**
   * @param ran How long the container ran, in Kubernetes' seconds.
   * @returns How many seconds after its end it is started again.
   */
  next(ran: number): number {
    if (ran >= RESET_AFTER) {
      this.#delay = 0;
      this.#isFirst = true;
    }
    if (this.#isFirst) {
      this.#isFirst = false;
      return 0;
    }
    this.#delay = Math.min(this.#delay === 0 ? FIRST : 2 * this.#delay, LONGEST);
    return this.#delay;
  }
}

/** Waits before a restart; false if the signal ended the wait. */
export function backOffPause(time: Time, seconds: number, signal: AbortSignal): Promise<boolean> {
  return seconds === 0 ? Promise.resolve(!signal.aborted) : time.pause(seconds, signal);
}
