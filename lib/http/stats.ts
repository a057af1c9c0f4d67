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

/** The counters; only its `on…` change them. */
export class Stats implements CallMeter, Observer {
  readonly calls = new Map<string, { action: string; result: string; count: number }>();
  readonly retries = new Map<string, number>();
  /** How often each phase has ended, and how long it took in total. */
  readonly phases = new Map<Phase, { ended: number; total: Milliseconds }>();
  readonly refusals = new Map(REFUSAL_REASONS.map((reason) => [reason, 0]));
  /** From the last stop signal or drain until every target was deregistered. */
  stopToDeregistered: Milliseconds | undefined;
  /** How often each event's hook ended in each way, by both with a blank between. */
  readonly hooks = new Map(
    HOOK_EVENTS.flatMap((event) => HOOK_OUTCOMES.map((outcome) => [`${event} ${outcome}`, 0])),
  );
  readonly drains = new Map(DRAIN_OUTCOMES.map((outcome) => [outcome, 0]));
  /** Stops that deregistered a target and did not wait until it was drained. */
  undrainedStops = 0;
  /** Whether the kubelet's first probe came from where `/drain` is refused. */
  isHookRefused = false;
  /** Targets that another client deregistered and that were registered again. */
  reregistrations = 0;

  /** A call has ended: `ok`, or the error's code. */
  readonly onCall = (action: string, result: string): void => {
    const isKnown = this.calls.has(`${action} ${result}`) || this.calls.size < MOST_RESULTS;
    const counted = isKnown ? result : "other";
    const key = `${action} ${counted}`;
    const { count } = this.calls.get(key) ?? { count: 0 };
    this.calls.set(key, { action, result: counted, count: count + 1 });
  };

  /** A call is retried after an error. */
  readonly onRetry = (action: string): void => {
    this.retries.set(action, (this.retries.get(action) ?? 0) + 1);
  };

  readonly onPhaseEnd = (phase: Phase, took: Milliseconds): void => {
    const { ended, total } = this.phases.get(phase) ?? { ended: 0, total: 0 };
    this.phases.set(phase, { ended: ended + 1, total: total + took });
  };

  readonly onReregistered = (): void => {
    this.reregistrations++;
  };

  readonly onDeregistered = (took: Milliseconds): void => {
    this.stopToDeregistered = took;
  };

  readonly onDrainWaited = (outcome: DrainWaitOutcome["outcome"]): void => {
    this.drains.set(outcome, (this.drains.get(outcome) ?? 0) + 1);
  };

  readonly onUndrainedStop = (): void => {
    this.undrainedStops++;
  };

  /** An event's hook has ended. */
  readonly onHook = (event: HookEvent, { outcome }: HookOutcome): void => {
    const key = `${event} ${outcome}`;
    this.hooks.set(key, (this.hooks.get(key) ?? 0) + 1);
  };

  /** The guard will refuse the kubelet's hook. */
  readonly onHookForeseen = (): void => {
    this.isHookRefused = true;
  };

  /** The guard has refused a request. */
  readonly onRefused = ({ reason }: Refusal): void => {
    this.refusals.set(reason, (this.refusals.get(reason) ?? 0) + 1);
  };
}
