/** Counts what happens; cheap enough to count always, whether or not anyone reads it. */
import type { CallMeter } from "../aws/measured.ts";
import { HOOK_EVENTS, type HookEvent, type HookOutcome } from "../hooks/hook.ts";
import type { Milliseconds } from "../host/duration.ts";
import type { Observer, Phase } from "../lifecycle/status.ts";
import type { DrainWaitOutcome } from "../registration/drain.ts";
import { type Refusal, REFUSAL_REASONS } from "./guard.ts";

/**
 * More results than the API has. Their codes come from responses, and what comes from outside must
 * not grow without bound.
 */
const MOST_RESULTS = 100;

const HOOK_OUTCOMES: readonly HookOutcome["outcome"][] = [
  ...["succeeded", "failed", "timed-out", "cut-short"] as const,
];
const DRAIN_OUTCOMES: readonly DrainWaitOutcome["outcome"][] = [
  ...["drained", "timed-out", "cut-short", "unconfirmed"] as const,
];

/** The values of some labels, in their order, and a number. */
export type Sample = readonly [labels: readonly string[], value: number];

/** One number for each combination of labels, the first ones 0. */
export class Tally {
  readonly #samples: Map<string, Sample>;

  constructor(...first: readonly (readonly string[])[]) {
    this.#samples = new Map(first.map((labels) => [labels.join(" "), [labels, 0]]));
  }

  get samples(): readonly Sample[] {
    return [...this.#samples.values()];
  }

  has(...labels: readonly string[]): boolean {
    return this.#samples.has(labels.join(" "));
  }

  add(labels: readonly string[], number = 1): void {
    const key = labels.join(" ");
    const [, before] = this.#samples.get(key) ?? [labels, 0];
    this.#samples.set(key, [labels, before + number]);
  }
}

/** The counters; only its `on…` change them. */
export class Stats implements CallMeter, Observer {
  readonly calls = new Tally();
  readonly retries = new Tally();
  readonly phasesEnded = new Tally();
  readonly phaseTimes = new Tally();
  readonly refusals = new Tally(...REFUSAL_REASONS.map((reason) => [reason]));
  readonly hooks = new Tally(
    ...HOOK_EVENTS.flatMap((event) => HOOK_OUTCOMES.map((outcome) => [event, outcome])),
  );
  readonly drains = new Tally(...DRAIN_OUTCOMES.map((outcome) => [outcome]));
  /** From the last stop signal or drain until every target was deregistered. */
  stopToDeregistered: Milliseconds | undefined;
  /** Stops that deregistered a target and did not wait until it was drained. */
  undrainedStops = 0;
  /** Whether the kubelet's first probe came from where `/drain` is refused. */
  isHookRefused = false;
  /** Targets that another client deregistered and that were registered again. */
  reregistrations = 0;

  /** A call has ended: `ok`, or the error's code. */
  readonly onCall = (action: string, result: string): void => {
    const isKnown = this.calls.has(action, result) || this.calls.samples.length < MOST_RESULTS;
    this.calls.add([action, isKnown ? result : "other"]);
  };

  readonly onRetry = (action: string): void => this.retries.add([action]);

  readonly onPhaseEnd = (phase: Phase, took: Milliseconds): void => {
    this.phasesEnded.add([phase]);
    this.phaseTimes.add([phase], took);
  };

  readonly onReregistered = (): void => {
    this.reregistrations++;
  };

  readonly onDeregistered = (took: Milliseconds): void => {
    this.stopToDeregistered = took;
  };

  readonly onDrainWaited = (outcome: DrainWaitOutcome["outcome"]): void =>
    this.drains.add([outcome]);

  readonly onUndrainedStop = (): void => {
    this.undrainedStops++;
  };

  readonly onHook = (event: HookEvent, { outcome }: HookOutcome): void =>
    this.hooks.add([event, outcome]);

  /** The guard will refuse the kubelet's hook. */
  readonly onHookForeseen = (): void => {
    this.isHookRefused = true;
  };

  readonly onRefused = ({ reason }: Refusal): void => this.refusals.add([reason]);
}
