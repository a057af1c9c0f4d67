/**
 * Whether clients still come to a target that drains.
 *
 * Nobody knows how long a load balancer keeps sending, so what counts is silence: that no connection
 * has come for three times the longest pause between two connections of this drain, within bounds.
 * `docs/draining.md` has the rule, and how often it errs.
 */
import type { Counts } from "../host/connections.ts";
import type { Milliseconds } from "../host/duration.ts";

/** A silence as many times as long as the longest pause is no pause, and so often the shortest. */
const TIMES = 3;
/** A rate is known after so long. */
const LEAST_TIME: Milliseconds = 30_000;
/** Checks and probes may come all at once, one more and as many as in 5 s, and a tenth more often. */
const BURST: Milliseconds = 5_000;
const MORE = 1.1;

/** Connections to a target for each millisecond: six zones check every 5 s at the most. */
const MOST_CHECKS = 6 / 5_000;

/** What was counted, and when. */
export interface Sample {
  readonly at: Milliseconds;
  readonly counts: Counts;
}

/** How many come without any client, for each millisecond, as either count sees them. */
interface Background {
  readonly seen: number;
  /** Undefined: not known. */
  readonly accepted: number | undefined;
}

/**
 * What comes to a target that is not in service: the load balancer's checks, the kubelet's probes,
 * what the pod's containers do among themselves. It continues while the target drains.
 */
export class Quiet {
  #before: Sample | undefined;
  #time: Milliseconds = 0;
  #seen = 0;
  #accepted = 0;

  /** The target is out of service; between two such samples in a row no client came. */
  outOfService(sample: Sample): void {
    const before = this.#before;
    this.#before = sample;
    if (before === undefined) return;
    this.#time += sample.at - before.at;
    this.#seen += sample.counts.seen - before.counts.seen;
    this.#accepted += (sample.counts.accepted ?? NaN) - (before.counts.accepted ?? NaN);
  }

  inService(): void {
    this.#before = undefined;
  }

  get background(): Background {
    const isKnown = this.#time >= LEAST_TIME;
    const accepted = this.#accepted / this.#time;
    const seen = isKnown ? this.#seen / this.#time : 0;
    // A load balancer that finds no target healthy sends to all of them: clients came too.
    if (seen > MOST_CHECKS) return { seen: MOST_CHECKS, accepted: undefined };
    return { seen, accepted: isKnown && Number.isFinite(accepted) ? accepted : undefined };
  }
}

/** The silence of one drain, from its first sample on. */
export class Silence {
  readonly #shortest: Milliseconds;
  readonly #background: Background;
  /** Arrivals are counted from this sample on. */
  #from: Sample;
  #lastArrival: Milliseconds;
  #lastOpen = -Infinity;
  #longestPause: Milliseconds = 0;
  #now: Milliseconds;

  constructor(shortest: Milliseconds, { background }: Quiet, first: Sample) {
    this.#shortest = shortest;
    this.#background = background;
    this.#from = first;
    this.#lastArrival = this.#now = first.at;
    this.take(first);
  }

  /** The next sample. */
  take(sample: Sample): void {
    const { at, counts } = sample;
    this.#now = at;
    if (counts.open > 0) this.#lastOpen = at;
    const { came, rate } = this.#arrivals(counts);
    const expected = rate === 0 ? 0 : 1 + rate * (MORE * (at - this.#from.at) + BURST);
    const isArrival = came > expected;
    if (isArrival) {
      this.#longestPause = Math.max(this.#longestPause, at - this.#lastArrival);
      this.#lastArrival = at;
    }
    if (isArrival || at - this.#from.at >= this.#longest) this.#from = sample;
  }

  /** The kernel's counter misses nothing, but it needs to be known what else it counts. */
  #arrivals({ seen, accepted }: Counts): { readonly came: number; readonly rate: number } {
    const { counts: from } = this.#from;
    const { accepted: rate } = this.#background;
    return accepted === undefined || from.accepted === undefined || rate === undefined
      ? { came: seen - from.seen, rate: this.#background.seen }
      : { came: accepted - from.accepted, rate };
  }

  /** Since the last arrival. */
  get sinceArrival(): Milliseconds {
    return this.#now - this.#lastArrival;
  }

  /** How long no client may come, and none be connected. */
  get needed(): Milliseconds {
    return Math.min(Math.max(TIMES * this.#longestPause, this.#shortest), this.#longest);
  }

  get isOver(): boolean {
    const isOpen = this.#lastOpen === this.#now;
    return !isOpen && this.#now - Math.max(this.#lastArrival, this.#lastOpen) >= this.needed;
  }

  get #longest(): Milliseconds {
    return TIMES * this.#shortest;
  }
}
