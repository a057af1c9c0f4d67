/** Virtual time: waits cost nothing, and their order is exact. */
import { setImmediate } from "node:timers";
import { BinaryHeap } from "@std/data-structures/binary-heap";
import { type Clock, whenEnded } from "../../lib/host/clock.ts";

interface Moment {
  readonly at: number;
  /** Moments of the same time come in the order in which they were asked for. */
  readonly order: number;
  readonly act: () => void;
}

/** So many waits are begun at most at one moment, by all lives together. */
const MOST_WAITS = 100_000;

/** How virtual time ended. */
export type ClockEnd =
  | "done"
  /** The work waits for something that has no end of its own. */
  | "deadlock"
  /** The work goes on and on. */
  | "endless";

/** A clock that jumps to the next moment when all that could run has run. */
export class VirtualClock implements Clock {
  readonly #moments = new BinaryHeap<Moment>((one, other) =>
    one.at - other.at || one.order - other.order
  );
  readonly #chance: () => number;
  #now = 0;
  #order = 0;
  /** Deno 2.4 lets go of a joined signal that somebody still listens to. */
  readonly #joined = new Set<AbortSignal>();
  /** Waits that were begun since a moment came. */
  #begun = 0;

  /** @param chance What `random` gives, in [0, 1); by default always the middle. */
  constructor(chance: () => number = () => 0.5) {
    this.#chance = chance;
  }

  now(): number {
    return this.#now;
  }

  random(): number {
    return this.#chance();
  }

  /** @throws {Error} Wait after wait is over before it begins: no time would ever pass. */
  within(time: number, ...signals: readonly AbortSignal[]): AbortSignal {
    if (++this.#begun > MOST_WAITS) throw new Error("it goes round without time passing");
    const timeout = new AbortController();
    // As the real one: a timer knows whole milliseconds alone, and never ends early.
    this.after(
      Math.ceil(time),
      () => timeout.abort(new DOMException("Signal timed out.", "TimeoutError")),
    );
    if (signals.length === 0) return timeout.signal;
    const joined = AbortSignal.any([timeout.signal, ...signals]);
    this.#joined.add(joined);
    whenEnded(joined, () => this.#joined.delete(joined));
    return joined;
  }

  /** Does something later; now, once all that can run has run, where the time is 0. */
  after(time: number, act: () => void): void {
    this.#moments.push({ at: this.#now + Math.max(0, time), order: this.#order++, act });
  }

  /** Does something at a moment. */
  at(moment: number, act: () => void): void {
    this.after(moment - this.#now, act);
  }

  /** Turns time until the work is done. @throws {Error} It waits for what has no end. */
  async run<T>(work: Promise<T>): Promise<T> {
    const end = await this.play(work, { longest: Infinity, moments: Infinity });
    if (end !== "done") throw new Error("deadlock: nothing to wait for, and not done");
    return await work;
  }

  /** Turns time until the work is done, or it is clear that it never will be. */
  async play(work: Promise<unknown>, { longest, moments, onSettled }: {
    readonly longest: number;
    readonly moments: number;
    /** Told when all that could run has run, before time goes on. */
    readonly onSettled?: () => void;
  }): Promise<ClockEnd> {
    let isDone = false;
    const end = () => {
      isDone = true;
    };
    work.then(end, end);
    for (let turned = 0;; turned++) {
      await turn();
      if (isDone) return "done";
      onSettled?.();
      const next = this.#moments.pop();
      if (next === undefined) return "deadlock";
      if (turned >= moments || next.at > longest) return "endless";
      this.#now = next.at;
      this.#begun = 0;
      next.act();
    }
  }

  /** Turns time so far, whatever happens. */
  async pass(time: number): Promise<void> {
    const until = this.#now + time;
    while ((this.#moments.peek()?.at ?? Infinity) <= until) {
      const next = this.#moments.pop();
      if (next === undefined) break;
      this.#now = next.at;
      next.act();
      await turn();
    }
    this.#now = until;
  }
}

/** A turn of the event loop comes only when no microtask is left; this is the cheapest one. */
export function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
