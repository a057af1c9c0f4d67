/** One probe of one life of a container. */
import { type Outcome, probe as act, type Subject } from "./actions.ts";
import { expand } from "./expansion.ts";
import type { Action, Probe } from "./spec.ts";
import { Limit } from "./time.ts";

/** What a probe needs besides what it is done to. */
export interface Watch {
  readonly probe: Probe;
  readonly subject: Subject;
  /** For an exec probe's command. */
  readonly variables: ReadonlyMap<string, string>;
  /** The least real time of one attempt, in milliseconds. */
  readonly timeoutAtLeast: number;
  /** Told of each attempt that failed. */
  readonly onFailure: (reason: string) => void;
}

/**
 * Probes in each period until the signal ends.
 * @returns One item each time that as many results in a row as its threshold asks for agree.
 */
export async function* verdicts(watch: Watch, signal: AbortSignal): AsyncGenerator<boolean> {
  const { probe, subject: { time } } = watch;
  if (!await time.pause(probe.initialDelay, signal)) return;
  let last: boolean | undefined;
  let agreeing = 0;
  while (!signal.aborted) {
    const began = time.now();
    const outcome = await attempt(watch, signal);
    // What an attempt says that the end of the container cut short is not about the container.
    if (signal.aborted) return;
    if (!outcome.ok) watch.onFailure(outcome.reason);
    agreeing = outcome.ok === last ? agreeing + 1 : 1;
    last = outcome.ok;
    if (agreeing >= (outcome.ok ? probe.successThreshold : probe.failureThreshold)) {
      yield outcome.ok;
    }
    // A ticker's beats: the time that the attempt took is a part of the period.
    const left = Math.max(0, probe.period - (time.now() - began) * time.scale / 1_000);
    if (!await time.pause(left, signal)) return;
  }
}

async function attempt(watch: Watch, signal: AbortSignal): Promise<Outcome> {
  const { probe, subject, timeoutAtLeast } = watch;
  using limit = new Limit(Math.max(subject.time.scaled(probe.timeout), timeoutAtLeast), signal);
  const outcome = await act(expanded(probe.action, watch.variables), subject, limit.signal);
  return limit.isOver ? { ok: false, reason: "probe timed out" } : outcome;
}

function expanded(action: Action, variables: ReadonlyMap<string, string>): Action {
  if (action.kind !== "exec") return action;
  return { ...action, command: action.command.map((word) => expand(word, variables)) };
}
