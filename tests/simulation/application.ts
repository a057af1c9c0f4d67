/** The application in the pod, as a probe finds it: ready, slow, not ready, or not there at all. */
import type { Answer, Probe } from "../../lib/application/probe.ts";
import { sleep } from "../../lib/host/clock.ts";
import type { VirtualClock } from "./clock.ts";

/** How an answer can be; `refusing`: nothing takes connections. */
export type Condition = "ready" | "slow" | "unready" | "refusing";

/** For so long it has to refuse connections, and then to answer, to count as restarted for certain. */
const CERTAINLY_GONE = 2_000;
const CERTAINLY_BACK = 12_000;

/** The application. */
export class SimulatedApplication {
  readonly #clock: VirtualClock;
  #condition: Condition = "refusing";
  #since = 0;
  /** When it refused connections the last time: from when, and to when. */
  #refused = { from: 0, to: 0 };
  /** When a probe found it ready the last time. */
  #seenReadyAt = -Infinity;

  /** @param readyAt When it answers for the first time; undefined: never. */
  constructor(clock: VirtualClock, readyAt: number | undefined) {
    this.#clock = clock;
    if (readyAt === 0) this.#become("ready");
    else if (readyAt !== undefined) clock.after(readyAt, () => this.#become("ready"));
  }

  /** Whether a probe found it ready since a moment. */
  wasReadySince(moment: number): boolean {
    return this.#seenReadyAt >= moment;
  }

  get isGone(): boolean {
    return this.#condition === "refusing";
  }

  /** Whether it has answered for so long without a break. */
  isReadyFor(time: number): boolean {
    return this.#condition === "ready" && this.#clock.now() - this.#since >= time;
  }

  /** Whether it was gone for so long since a moment, and is back for so long, that it was noticed. */
  isCertainlyBack(since: number): boolean {
    const goneFor = this.#refused.to - Math.max(this.#refused.from, since);
    return goneFor >= CERTAINLY_GONE && this.isReadyFor(CERTAINLY_BACK);
  }

  /** It is in a condition for a while, and then ready again. */
  is(condition: Condition, time: number): void {
    this.#become(condition);
    const since = this.#since;
    this.#clock.after(time, () => {
      if (this.#condition === condition && this.#since === since) this.#become("ready");
    });
  }

  /** It ends for good. */
  end(): void {
    this.#become("refusing");
  }

  readonly probe: Probe = async (_address, signal): Promise<Answer> => {
    switch (this.#condition) {
      case "ready":
        this.#seenReadyAt = this.#clock.now();
        return { outcome: "ready" };
      case "unready":
        return { outcome: "unready", reason: "status 503" };
      case "refusing":
        return { outcome: "refused", reason: "connection refused" };
      case "slow":
        await sleep(signal);
        return { outcome: "unready", reason: "no answer in time" };
    }
  };

  #become(condition: Condition): void {
    const now = this.#clock.now();
    if (condition === "ready" && this.#condition === "refusing") {
      this.#refused = { from: this.#since, to: now };
    }
    this.#condition = condition;
    this.#since = now;
  }
}
