/** Times at which this process stood still, and with it the load balancer that it plays. */

/** How often it looks, in milliseconds. */
const EVERY = 100;

/** What is told of at once, in milliseconds. */
const TOLD = 2_000;

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
    const stood = now - this.#last - EVERY;
    if (stood > TOLD) console.log(`the load balancer stood still for ${stood.toFixed(0)} ms`);
    this.#longest = Math.max(this.#longest, stood);
    this.#last = now;
  }
}
