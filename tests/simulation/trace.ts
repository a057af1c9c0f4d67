/** What happened in one schedule, in order: for the invariants, and for a person to read. */
import type { VirtualClock } from "./clock.ts";

/** Where a life is, as far as its calls, hooks and log lines tell. */
export const PHASES = [
  "resolving",
  "waiting-for-application",
  "pre-register",
  "registering",
  "waiting-in-service",
  "post-register",
  "serving",
  "pre-deregister",
  "deregistering",
  "confirming",
  "draining",
  "post-deregister",
  "drained",
] as const;
export type Phase = typeof PHASES[number];

/** What can happen to a life from outside. A new kind of event is a line here. */
export const INCIDENTS = [
  "stop signal",
  "second stop signal",
  "uncaught fault",
  "foreign deregistration",
  "foreign registration",
  "drain",
  "register",
  "application restart",
  "application unready",
  "pod deletion",
  "rival",
  "late application",
  "lost reply",
  "applied twice",
  "never applied",
  "throttled",
  "server error",
  "refused connection",
  "final refusal",
  "slow credentials",
  "refused credentials",
  "quota",
  "stale reply",
  "hook fails",
  "hook hangs",
] as const;
export type Incident = typeof INCIDENTS[number];

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
