/** Virtual time for many lives a second: a heap of moments, and one turn of the loop for each. */
import { setImmediate } from "node:timers";
import type { Clock } from "../../lib/host/clock.ts";

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
export class SimulatedClock implements Clock {
  readonly #moments: Moment[] = [];
  readonly #chance: () => number;
  #now = 0;
  #order = 0;
  /** Waits that were begun since a moment came. */
  #begun = 0;

  /** @param chance What `random` gives, in [0, 1). */
  constructor(chance: () => number) {
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
    return signals.length === 0 ? timeout.signal : AbortSignal.any([timeout.signal, ...signals]);
  }

  /** Does something later; now, once all that can run has run, where the time is 0. */
  after(time: number, act: () => void): void {
    push(this.#moments, { at: this.#now + Math.max(0, time), order: this.#order++, act });
  }

  /** Turns time until the work is done. */
  async run(work: Promise<unknown>, { longest, moments, onSettled }: {
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
      const next = pop(this.#moments);
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
    while ((this.#moments[0]?.at ?? Infinity) <= until) {
      const next = pop(this.#moments);
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

function isBefore(one: Moment, other: Moment): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}

function push(heap: Moment[], moment: Moment): void {
  let at = heap.length;
  heap.push(moment);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent];
    if (above === undefined || !isBefore(moment, above)) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = moment;
}

function pop(heap: Moment[]): Moment | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  let at = 0;
  while (true) {
    const left = heap[2 * at + 1];
    if (left === undefined) break;
    const right = heap[2 * at + 2];
    const isRight = right !== undefined && isBefore(right, left);
    const child = isRight ? right : left;
    if (!isBefore(child, last)) break;
    heap[at] = child;
    at = 2 * at + (isRight ? 2 : 1);
  }
  heap[at] = last;
  return first;
}
