/** The application in the pod: it answers after a while, or never, and may go away and come back. */
import { sleep } from "../../lib/host/clock.ts";
import { Failure } from "../../lib/host/exit.ts";
import type { Application } from "../../lib/lifecycle/ports.ts";
import type { SimulatedClock } from "./clock.ts";
import type { Tape } from "./tape.ts";
import type { Trace } from "./trace.ts";

/** What the application model needs. */
export interface ApplicationOptions {
  readonly clock: SimulatedClock;
  readonly tape: Tape;
  readonly trace: Trace;
  /** `-wait-for-timeout`. */
  readonly timeout: number;
  /** How likely it does not answer in time. */
  readonly trouble: number;
}

/** The application port. */
export class SimulatedApplication implements Application {
  /** Whether it has answered, the last time that the life waited for it. */
  isReady = false;
  readonly #options: ApplicationOptions;
  readonly #waiting = new Set<() => void>();

  constructor(options: ApplicationOptions) {
    this.#options = options;
  }

  async wait(stop: AbortSignal): Promise<void> {
    const { clock, tape, trace, timeout, trouble } = this.#options;
    this.isReady = false;
    const isNever = tape.happens(trouble);
    if (isNever) trace.incident("application never ready");
    const time = isNever ? timeout : tape.happens(0.3) ? tape.time(timeout - 1) : 0;
    if (time > 0) await sleep(clock.within(time, stop));
    stop.throwIfAborted();
    if (isNever) throw new Failure("applicationNeverReady", "the application does not answer");
    this.isReady = true;
    trace.happened("the application answers");
  }

  restarted(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
      signal.addEventListener("abort", () => this.#waiting.delete(resolve), { once: true });
    });
  }

  /** It has gone away and come back. */
  restart(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}
