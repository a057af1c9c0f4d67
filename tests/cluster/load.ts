/** Users of a service, and what they see of it: a steady load of three kinds of connections. */
import { pause } from "../emulator/pause.ts";
import { type Address, type FailureKind, UserConnection, UserError } from "./load/user.ts";
import { halfClosed, lasting, type Lines, numberedLines, short } from "./load/visits.ts";

/**
 * `short`: asks once. `half-closed`: sends, ends its side, and reads the answer to the end.
 * `lasting`: asks all the time while answers come, and is followed by another when it ends.
 */
export const KINDS = ["short", "half-closed", "lasting"] as const;
export type Kind = typeof KINDS[number];

/** A load; times are in milliseconds. The address answers each line with the same line. */
export interface LoadOptions extends Address {
  /** Begun each second. */
  readonly shortPerSecond: number;
  /** Begun each second. */
  readonly halfClosedPerSecond: number;
  /** Open at any time. */
  readonly lasting: number;
  /** How long each lasting one asks. */
  readonly lastingTime: number;
  /** How long a user waits for anything. */
  readonly patience: number;
}

/** A connection that failed its user. */
export interface Failure {
  readonly on: Kind;
  readonly what: FailureKind;
  /** When it failed, in milliseconds since the load's start. */
  readonly at: number;
  /** The user's address and port, where it got that far: as the load balancer sees it. */
  readonly client?: string;
  readonly message: string;
}

/** Counts of the connections of one kind. */
export interface Tally {
  begun: number;
  /** With all requests answered. */
  done: number;
  failed: number;
}

/** What users have seen. */
export interface LoadReport {
  readonly tallies: Readonly<Record<Kind, Readonly<Tally>>>;
  /** In the order of their times. */
  readonly failures: readonly Failure[];
  /** Due, and not begun: too many were open. */
  readonly withheld: number;
}

/** How often it checks which connections are due, in milliseconds. */
const TICK = 20;
/** How long a lasting connection's place is empty, and between its lines, in milliseconds. */
const EMPTY = 100;
/** The most that are open at once, and in all. */
const LIMITS = { open: 1_000, begun: 100_000 };

/** A load under way; it begins at once. */
export class Load {
  readonly #options: LoadOptions;
  readonly #stop = new AbortController();
  readonly #began = performance.now();
  readonly #open = new Set<Promise<void>>();
  readonly #failures: Failure[] = [];
  readonly #onFailure: (failure: Failure) => void;
  readonly #tallies: Record<Kind, Tally> = {
    "short": { begun: 0, done: 0, failed: 0 },
    "half-closed": { begun: 0, done: 0, failed: 0 },
    "lasting": { begun: 0, done: 0, failed: 0 },
  };
  readonly #ended: Promise<unknown>;
  #begun = 0;
  #withheld = 0;

  constructor(options: LoadOptions, onFailure: (failure: Failure) => void = () => {}) {
    this.#options = options;
    this.#onFailure = onFailure;
    this.#ended = Promise.all([
      this.#keepPace("short", options.shortPerSecond),
      this.#keepPace("half-closed", options.halfClosedPerSecond),
      ...Array.from({ length: options.lasting }, () => this.#keepOpen()),
    ]);
  }

  /** What users have seen so far. */
  get report(): LoadReport {
    return structuredClone({
      tallies: this.#tallies,
      failures: this.#failures,
      withheld: this.#withheld,
    });
  }

  /** Begins no more connections; those that are open are brought to their ends. */
  async stop(): Promise<LoadReport> {
    this.#stop.abort();
    await this.#ended;
    await Promise.all(this.#open);
    return this.report;
  }

  /** After a stall it catches up bit by bit, so that there is no burst that no user makes. */
  async #keepPace(kind: Kind, perSecond: number): Promise<void> {
    const most = Math.ceil(perSecond * TICK / 500);
    let due = 0;
    while (await pause(TICK, this.#stop.signal)) {
      const behind = Math.floor(this.#now() / 1000 * perSecond) - due;
      for (let count = 0; count < Math.min(behind, most); count++) {
        due++;
        if (this.#open.size >= LIMITS.open) this.#withheld++;
        else this.#begin(kind);
      }
    }
  }

  async #keepOpen(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#begin("lasting");
      await pause(EMPTY, this.#stop.signal);
    }
  }

  #begin(kind: Kind): Promise<void> {
    if (++this.#begun >= LIMITS.begun) this.#stop.abort();
    const visit = this.#visit(kind, numberedLines(`${kind} ${this.#begun}`));
    this.#open.add(visit);
    return visit.finally(() => this.#open.delete(visit));
  }

  async #visit(kind: Kind, lines: Lines): Promise<void> {
    const tally = this.#tallies[kind];
    tally.begun++;
    let client: string | undefined;
    try {
      using connection = await UserConnection.open(this.#options, this.#options.patience);
      client = connection.address;
      await this.#use(kind, connection, lines);
      tally.done++;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      tally.failed++;
      const { kind: what, message } = error;
      const by = client === undefined ? {} : { client };
      const failure = { on: kind, what, at: this.#now(), ...by, message };
      this.#failures.push(failure);
      this.#onFailure(failure);
    }
  }

  #use(kind: Kind, connection: UserConnection, lines: Lines): Promise<void> {
    if (kind === "short") return short(connection, lines);
    if (kind === "half-closed") return halfClosed(connection, lines);
    const visit = { every: EMPTY, time: this.#options.lastingTime, stop: this.#stop.signal };
    return lasting(connection, lines, visit);
  }

  #now(): number {
    return performance.now() - this.#began;
  }
}
