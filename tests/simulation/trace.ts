/** What happened in one schedule, in order: for the invariants, and for a person to read. */
import type { VirtualClock } from "./clock.ts";
import type { Incident, Phase } from "./reachable.ts";

/** The record of one schedule. */
export class Trace {
  readonly lines: string[] = [];
  readonly violations: string[] = [];
  /** Which incidents came in which phases, as `phase|incident`. */
  readonly pairs = new Set<string>();
  readonly phases: { readonly phase: Phase; readonly at: number }[] = [
    { phase: "resolving", at: 0 },
  ];
  readonly #clock: VirtualClock;
  readonly #keepLines: boolean;
  /** Told of each happening; a schedule's triggers hang here. */
  onHappening: ((what: string) => void) | undefined;

  constructor(clock: VirtualClock, keepLines: boolean) {
    this.#clock = clock;
    this.#keepLines = keepLines;
  }

  get phase(): Phase {
    return this.phases.at(-1)?.phase ?? "resolving";
  }

  enter(phase: Phase): void {
    if (phase === this.phase) return;
    this.phases.push({ phase, at: this.#clock.now() });
    this.tell(`phase: ${phase}`);
  }

  /** A line for a person. */
  tell(line: string): void {
    if (!this.#keepLines) return;
    this.lines.push(`${(this.#clock.now() / 1_000).toFixed(3).padStart(9)}  ${line}`);
  }

  /** Something that a trigger may wait for. */
  happened(what: string): void {
    this.tell(what);
    this.onHappening?.(what);
  }

  /** Something from outside came in the phase that the life is in. */
  incident(incident: Incident): void {
    this.pairs.add(`${this.phase}|${incident}`);
  }

  /** A promise is broken. */
  violated(invariant: string): void {
    this.violations.push(invariant);
    this.tell(`VIOLATED: ${invariant}`);
  }
}
