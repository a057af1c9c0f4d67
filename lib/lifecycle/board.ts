/** What is known of a life at any moment, for those who look at it from outside. */
import type { TargetHealth } from "../aws/elb.ts";
import type { Clock } from "../host/clock.ts";
import type { Milliseconds } from "../host/duration.ts";
import type { GroupStatus, Membership, Phase, Status } from "./status.ts";
import type { Attachment } from "../registration/resolve.ts";

/** Told what happens in a life, to count it. */
export interface Observer {
  /** A phase has ended. */
  readonly onPhaseEnd?: (phase: Phase, took: Milliseconds) => void;
  /** A target that somebody else deregistered is registered again. */
  readonly onReregistered?: (groupArn: string) => void;
  /** All groups have let go after a stop or a drain began. */
  readonly onLeft?: (took: Milliseconds) => void;
}

/** One target in one group, as far as it is known. */
export class Entry {
  membership: Membership = "absent";
  /** Why nobody asks for its health any more. */
  fault: string | undefined;
  #health: { readonly seen: TargetHealth; readonly at: Milliseconds } | undefined;
  readonly #clock: Clock;

  constructor(readonly attachment: Attachment, clock: Clock) {
    this.#clock = clock;
  }

  /** The last answer's; undefined before the first. */
  get health(): TargetHealth | undefined {
    return this.#health?.seen;
  }

  /** What is known of its health is out of date. */
  forget(): void {
    this.#health = undefined;
    this.fault = undefined;
  }

  /** Nobody asks for its health any more. */
  failed(reason: string): void {
    this.fault = reason;
  }

  /** Takes an answer of DescribeTargetHealth. */
  saw(health: TargetHealth): void {
    this.#health = { seen: health, at: this.#clock.now() };
  }

  status(): GroupStatus {
    const { group, target } = this.attachment;
    const port = target.port ?? group.port;
    return {
      name: group.name,
      arn: group.arn,
      targetId: target.id,
      ...(port !== undefined && { port }),
      membership: this.membership,
      ...(this.#health !== undefined && { health: this.#healthStatus(this.#health) }),
      ...(this.fault !== undefined && { fault: this.fault }),
    };
  }

  #healthStatus({ seen, at }: { seen: TargetHealth; at: Milliseconds }) {
    return {
      state: seen.state,
      ...(seen.reason !== undefined && { reason: seen.reason }),
      age: this.#clock.now() - at,
    };
  }
}

/** What stands on the board beside phase and groups. */
export type Besides = Pick<Status, "stopping" | "drainRequested" | "connections" | "application">;

/** The board: the life writes on it, the service reads it. */
export class Board {
  readonly #clock: Clock;
  readonly #observer: Observer;
  readonly #started: Milliseconds;
  #phase: Phase = "resolving";
  #phaseBegan: Milliseconds;
  #entries: readonly Entry[] = [];
  #drain: { readonly began: Milliseconds; readonly atLeast: Milliseconds } | undefined;
  #isDrained = false;

  constructor(clock: Clock, observer: Observer = {}) {
    this.#clock = clock;
    this.#observer = observer;
    this.#started = this.#phaseBegan = clock.now();
  }

  get phase(): Phase {
    return this.#phase;
  }

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** A phase begins, and so the one before has ended. */
  enter(phase: Phase): void {
    const now = this.#clock.now();
    this.#observer.onPhaseEnd?.(this.#phase, now - this.#phaseBegan);
    this.#phase = phase;
    this.#phaseBegan = now;
  }

  /** What is to be registered is known now. */
  show(attachments: readonly Attachment[]): readonly Entry[] {
    this.#entries = attachments.map((attachment) => new Entry(attachment, this.#clock));
    return this.#entries;
  }

  /** A cycle begins: what was known of the last one is out of date. */
  begin(): void {
    this.#drain = undefined;
    this.#isDrained = false;
    for (const entry of this.#entries) entry.forget();
  }

  /** All groups have let go at a moment; since then the target drains. */
  drains({ since, atLeast }: { since: Milliseconds; atLeast: Milliseconds }): void {
    this.#drain = { began: since, atLeast };
  }

  drained(): void {
    this.#isDrained = true;
  }

  status(besides: Besides): Status {
    const now = this.#clock.now();
    return {
      phase: this.#phase,
      inPhase: now - this.#phaseBegan,
      uptime: now - this.#started,
      groups: this.#entries.map((entry) => this.#groupStatus(entry.status())),
      ...(this.#drain !== undefined && {
        drain: {
          elapsed: now - this.#drain.began,
          atLeast: this.#drain.atLeast,
          done: this.#isDrained,
        },
      }),
      ...besides,
    };
  }

  #groupStatus(status: GroupStatus): GroupStatus {
    const drains = this.#drain !== undefined && !this.#isDrained;
    return drains && status.membership === "absent"
      ? { ...status, membership: "draining" }
      : status;
  }
}
