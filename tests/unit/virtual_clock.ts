/** Virtual time: waits cost nothing, and their order is exact. */
import { setImmediate } from "node:timers";
import { anyOf, type Clock } from "../../lib/host/clock.ts";

interface Timer {
  readonly at: number;
  readonly controller: AbortController;
}

/** A clock that jumps to the next timer whenever nothing else is left to do. */
export class VirtualClock implements Clock {
  #now = 0;
  #timers: Timer[] = [];
  readonly #random: () => number;

  /** @param random What `random` gives; by default always the middle. */
  constructor(random: () => number = () => 0.5) {
    this.#random = random;
  }

  now(): number {
    return this.#now;
  }

  random(): number {
    return this.#random();
  }

  within(time: number, ...signals: readonly AbortSignal[]): AbortSignal {
    const controller = new AbortController();
    this.#timers.push({ at: this.#now + Math.max(0, time), controller });
    this.#timers.sort((one, other) => one.at - other.at);
    return anyOf(controller.signal, ...signals);
  }

  /** Does something at a moment. */
  at(moment: number, action: () => void): void {
    this.within(moment - this.#now).addEventListener("abort", action, { once: true });
  }

  /** Turns time until the work is done. */
  async run<T>(work: Promise<T>): Promise<T> {
    let done = false;
    const settled = work.then(() => {}, () => {}).finally(() => done = true);
    while (!done) {
      await allMicrotasks();
      if (done) break;
      const next = this.#timers.shift();
      if (next === undefined) throw new Error("deadlock: nothing to wait for, and not done");
      this.#now = next.at;
      next.controller.abort(new DOMException("Signal timed out.", "TimeoutError"));
    }
    await settled;
    return await work;
  }
}

/** A turn of the event loop comes only when no microtask is left; a timer's turn takes longer. */
function allMicrotasks(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
