/** Times at which this process stood still, and with it the load balancer that it plays. */

/** How often it looks, in milliseconds. */
const EVERY = 100;

/** Watches until it is disposed of. */
export class StandstillWatch implements Disposable {
  readonly #timer: ReturnType<typeof setInterval>;
  #last = performance.now();
  #longest = 0;

  constructor() {
    this.#timer = setInterval(() => this.#look(), EVERY);
  }

  /** The longest so far, in milliseconds. */
  get longest(): number {
    return this.#longest;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = performance.now();
    this.#longest = Math.max(this.#longest, now - this.#last - EVERY);
    this.#last = now;
  }
}
