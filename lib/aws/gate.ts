/** So many at a time, and no more: each request beside others takes a connection. */
import { abortable } from "@std/async/abortable";

/** Lets callers in, in the order in which they come, while there is a place. */
export class Gate {
  #free: number;
  readonly #waiting: PromiseWithResolvers<void>[] = [];

  /** @param places How many may be inside at a time. */
  constructor(places: number) {
    this.#free = places;
  }

  /**
   * Waits for a place. Dispose of it to leave.
   * @throws The signal's reason, when it ends first.
   */
  async enter(signal: AbortSignal): Promise<Disposable> {
    if (this.#free > 0) this.#free--;
    else await this.#turn(signal);
    return { [Symbol.dispose]: () => this.#leave() };
  }

  async #turn(signal: AbortSignal): Promise<void> {
    const turn = Promise.withResolvers<void>();
    this.#waiting.push(turn);
    try {
      await abortable(turn.promise, signal);
    } catch (reason) {
      const place = this.#waiting.indexOf(turn);
      // A turn that came at the same moment is for the next one.
      if (place < 0) this.#leave();
      else this.#waiting.splice(place, 1);
      throw reason;
    }
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next.resolve();
  }
}
