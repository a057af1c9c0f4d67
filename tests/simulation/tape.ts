/**
 * All chance of one schedule. Each decision takes the next number of the tape; what a seed gives
 * is recorded, so that a failing schedule can be cut down and played again. Zero is always the
 * most harmless decision, and so is what comes after the end of a given tape.
 */

/** Something to choose, and how often in proportion. The first of several is the harmless one. */
export type Weighted<T> = readonly [weight: number, value: T];

/** A source of decisions. */
export class Tape {
  readonly #given: readonly number[] | undefined;
  readonly #next: () => number;
  readonly #taken: number[] = [];

  private constructor(next: () => number, given?: readonly number[]) {
    this.#next = next;
    this.#given = given;
  }

  /** Endless decisions from a seed. */
  static of(seed: number): Tape {
    return new Tape(mulberry32(seed));
  }

  /** These decisions, then harmless ones. */
  static replay(decisions: readonly number[]): Tape {
    return new Tape(() => 0, decisions);
  }

  /** The decisions taken so far. */
  get taken(): readonly number[] {
    return this.#taken;
  }

  /** A number in [0, 1). */
  number(): number {
    const number = this.#given?.[this.#taken.length] ?? this.#next();
    this.#taken.push(number);
    return number;
  }

  /** One of several, by weight. */
  choose<T>(options: readonly Weighted<T>[]): T {
    const sum = options.reduce((sum, [weight]) => sum + weight, 0);
    let at = this.number() * sum;
    for (const [weight, value] of options) {
      if (at < weight) return value;
      at -= weight;
    }
    const last = options.at(-1);
    if (last === undefined) throw new RangeError("Cannot choose among nothing");
    return last[1];
  }

  /** Whether something of this probability happens. */
  happens(probability: number): boolean {
    return this.number() > 1 - probability;
  }

  /** One of several, each as often. */
  pick<T>(options: readonly T[]): T {
    return this.choose(options.map((option) => [1, option] as const));
  }

  /** A time up to so much: short ones as often as long ones. */
  time(longest: number): number {
    return Math.round(longest ** this.number());
  }
}

/** A well-known small generator (public domain, Tommy Ettinger). */
function mulberry32(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1) | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
