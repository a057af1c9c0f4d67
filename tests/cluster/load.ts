/** Users of a service, and what they see of it: a steady load of three kinds of connections. */
import { pause } from "../emulator/pause.ts";
import { Fault, UserConnection } from "./load/user.ts";
import type { Address, FaultKind } from "./load/user.ts";
import { halfClosed, lasting, linesOf, short } from "./load/visits.ts";
import type { Lines, VisitEnding } from "./load/visits.ts";

/** The kinds of connections. */
export const KINDS = ["short", "half-closed", "lasting"] as const;
/**
 * `short`: asks once. `half-closed`: sends, ends its side, and reads the answer to the end.
 * `lasting`: asks all the time while answers come, and is followed by another when it ends.
 */
export type Kind = typeof KINDS[number];

/** A load; times are in milliseconds. The address answers each line with the same line. */
export interface LoadOptions extends Address {
  /** Begun each second. @default {50} */
  readonly shortPerSecond?: number;
  /** Begun each second. @default {5} */
  readonly halfClosedPerSecond?: number;
  /** Open at any time. @default {5} */
  readonly lasting?: number;
  /** How long each lasting one asks. @default {10_000} */
  readonly lastingLife?: number;
  /** Between the lines of a lasting one. @default {100} */
  readonly lastingEvery?: number;
  /** The length of a line. @default {256} */
  readonly bytes?: number;
  /** How long a user waits for anything. @default {10_000} */
  readonly patience?: number;
  /** How many may be open; what is due beyond that is not begun, and counted. @default {1000} */
  readonly atOnce?: number;
  /** No more than so many are begun; it ends when they have. @default {100_000} */
  readonly most?: number;
  /** It ends after so long. @default {600_000} */
  readonly time?: number;
}

/** A connection that failed its user. */
export interface Failure {
  readonly on: Kind;
  readonly what: FaultKind;
  /** When it failed, in milliseconds since the load's start. */
  readonly at: number;
  /** When it was begun. */
  readonly begunAt: number;
  /** The user's address and port, where it got that far: as the load balancer sees it. */
  readonly client?: string;
  readonly message: string;
}

/** Counts of the connections of one kind. */
export interface Tally {
  readonly begun: number;
  /** With all that was asked answered. */
  readonly done: number;
  /** Of `done`: ended by the service while nothing was unanswered. */
  readonly endedByService: number;
  readonly failed: number;
}

/** What users have seen. */
export interface LoadReport {
  readonly tallies: Readonly<Record<Kind, Tally>>;
  /** In the order of their times. */
  readonly failures: readonly Failure[];
  /** Due, and not begun: too many were open. */
  readonly withheld: number;
  /** How long it has lasted, in milliseconds. */
  readonly time: number;
}

/** How often it looks which connections are due, in milliseconds. */
const TICK = 20;
/** How long a lasting connection's place is empty, in milliseconds. */
const EMPTY = 100;

const DEFAULTS = {
  ...{ shortPerSecond: 50, halfClosedPerSecond: 5, lasting: 5, lastingLife: 10_000 },
  ...{ lastingEvery: 100, bytes: 256, patience: 10_000 },
  ...{ atOnce: 1000, most: 100_000, time: 600_000 },
};

/** A load under way; it begins at once. Disposing it stops it. */
export class Load implements AsyncDisposable {
  readonly #options: typeof DEFAULTS & Address;
  /** No more connections are begun. */
  readonly #enough = new AbortController();
  /** Those that are open are brought to their ends. */
  readonly #stop = new AbortController();
  readonly #began = performance.now();
  readonly #open = new Set<Promise<void>>();
  readonly #failures: Failure[] = [];
  readonly #listeners = new Set<(failure: Failure) => void>();
  readonly #tallies = {
    "short": { begun: 0, done: 0, endedByService: 0, failed: 0 },
    "half-closed": { begun: 0, done: 0, endedByService: 0, failed: 0 },
    "lasting": { begun: 0, done: 0, endedByService: 0, failed: 0 },
  };
  /** Settled when the load has ended and no connection is open. */
  readonly ended: Promise<LoadReport>;
  #begun = 0;
  #withheld = 0;

  constructor(options: LoadOptions) {
    this.#options = { ...DEFAULTS, ...options };
    this.ended = this.#run();
  }

  /** What users have seen so far. */
  get report(): LoadReport {
    return structuredClone({
      tallies: this.#tallies,
      failures: this.#failures,
      withheld: this.#withheld,
      time: this.#now(),
    });
  }

  /** Calls the listener with each failure to come, until the returned function is called. */
  listen(listener: (failure: Failure) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Begins no more connections; those that are open are brought to their ends. */
  stop(): Promise<LoadReport> {
    this.#enough.abort();
    this.#stop.abort();
    return this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #run(): Promise<LoadReport> {
    const { shortPerSecond, halfClosedPerSecond, lasting: places, time } = this.#options;
    pause(time, this.#stop.signal).then(() => this.stop());
    await Promise.all([
      this.#keepPace("short", shortPerSecond),
      this.#keepPace("half-closed", halfClosedPerSecond),
      ...Array.from({ length: places }, () => this.#keepOpen()),
    ]);
    await Promise.all(this.#open);
    // Nothing is left to be stopped when the time is over.
    this.#stop.abort();
    return this.report;
  }

  /** After a stall it catches up bit by bit, so that there is no burst that nobody asked for. */
  async #keepPace(kind: Kind, perSecond: number): Promise<void> {
    const most = Math.ceil(perSecond * TICK / 500);
    let begun = 0;
    while (await pause(TICK, this.#enough.signal)) {
      const due = Math.floor(this.#now() / 1000 * perSecond) - begun;
      for (let count = 0; count < Math.min(due, most) && !this.#enough.signal.aborted; count++) {
        begun++;
        if (this.#open.size >= this.#options.atOnce) this.#withheld++;
        else this.#begin(kind);
      }
    }
  }

  /** Keeps one lasting connection open. */
  async #keepOpen(): Promise<void> {
    while (!this.#enough.signal.aborted) {
      await this.#begin("lasting");
      await pause(EMPTY, this.#enough.signal);
    }
  }

  #begin(kind: Kind): Promise<void> {
    if (++this.#begun >= this.#options.most) this.#enough.abort();
    const visit = this.#visit(kind, linesOf(`${kind} ${this.#begun}`, this.#options.bytes));
    this.#open.add(visit);
    return visit.finally(() => this.#open.delete(visit));
  }

  async #visit(kind: Kind, lines: Lines): Promise<void> {
    const begunAt = this.#now();
    const tally = this.#tallies[kind];
    tally.begun++;
    let client: string | undefined;
    try {
      using connection = await UserConnection.open(this.#options, this.#options.patience);
      client = connection.address;
      const ending = await this.#spend(kind, connection, lines);
      tally.done++;
      if (ending === "ended-by-service") tally.endedByService++;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      tally.failed++;
      const at = { at: this.#now(), begunAt, ...(client === undefined ? {} : { client }) };
      this.#fail({ on: kind, what: error.kind, ...at, message: error.message });
    }
  }

  #spend(kind: Kind, connection: UserConnection, lines: Lines): Promise<VisitEnding> {
    switch (kind) {
      case "short":
        return short(connection, lines);
      case "half-closed":
        return halfClosed(connection, lines);
      case "lasting": {
        const { lastingLife: life, lastingEvery: every } = this.#options;
        return lasting(connection, lines, { life, every, stop: this.#stop.signal });
      }
    }
  }

  #fail(failure: Failure): void {
    this.#failures.push(failure);
    for (const listener of this.#listeners) listener(failure);
  }

  #now(): number {
    return performance.now() - this.#began;
  }
}
