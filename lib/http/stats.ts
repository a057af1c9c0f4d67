/** What is counted in a life: cheap enough to count always, whether anybody asks or not. */
import type { CallMeter } from "../aws/measured.ts";
import type { Milliseconds } from "../host/duration.ts";
import type { Phase } from "../lifecycle/status.ts";

/** How often a phase has ended, and how long it took in all. */
export interface PhaseTime {
  readonly ended: number;
  readonly total: Milliseconds;
}

/** How many calls of one action had one result. */
export interface CallCount {
  readonly action: string;
  readonly result: string;
  readonly count: number;
}

/**
 * More kinds of results than the API has. Codes come from replies, and what comes from outside
 * must not make this grow for ever.
 */
const MOST_RESULTS = 100;

/** The counters. Its `on…` are told what happens. */
export class Stats implements CallMeter {
  readonly #calls = new Map<string, CallCount>();
  readonly #phases = new Map<Phase, PhaseTime>();
  readonly #retries = new Map<string, number>();
  #stopToDeregistered: Milliseconds | undefined;
  #reregistrations = 0;
  #refusedCallers = 0;

  /** A call has ended: `ok`, or the fault's code. */
  readonly onCall = (action: string, result: string): void => {
    const known = this.#calls.has(`${action} ${result}`) || this.#calls.size < MOST_RESULTS;
    const counted = known ? result : "other";
    const key = `${action} ${counted}`;
    const count = (this.#calls.get(key)?.count ?? 0) + 1;
    this.#calls.set(key, { action, result: counted, count });
  };

  /** A call is made again, since it failed before. */
  readonly onRetry = (action: string): void => {
    this.#retries.set(action, (this.#retries.get(action) ?? 0) + 1);
  };

  /** A phase has ended. */
  readonly onPhaseEnd = (phase: Phase, took: Milliseconds): void => {
    const { ended, total } = this.#phases.get(phase) ?? { ended: 0, total: 0 };
    this.#phases.set(phase, { ended: ended + 1, total: total + took });
  };

  /** A target that somebody else deregistered is registered again. */
  readonly onReregistered = (): void => {
    this.#reregistrations++;
  };

  /** All groups have let go after a stop or a drain began. */
  readonly onDeregistered = (took: Milliseconds): void => {
    this.#stopToDeregistered = took;
  };

  /** The guard has refused a caller. */
  readonly onRefused = (): void => {
    this.#refusedCallers++;
  };

  get calls(): readonly CallCount[] {
    return [...this.#calls.values()];
  }

  get retries(): ReadonlyMap<string, number> {
    return this.#retries;
  }

  get phases(): ReadonlyMap<Phase, PhaseTime> {
    return this.#phases;
  }

  /** From the stop signal, or the beginning of a drain, to the last group's word; the last time. */
  get stopToDeregistered(): Milliseconds | undefined {
    return this.#stopToDeregistered;
  }

  get reregistrations(): number {
    return this.#reregistrations;
  }

  get refusedCallers(): number {
    return this.#refusedCallers;
  }
}
