/**
 * What the sidecar is to do: one state machine, pure. Clients of `/drain` and `/register`, stop
 * signals, the application's return and the lifecycle itself send events; nothing else remembers
 * intent. `docs/intent.md` has the diagram and the table of all pairs of state and event.
 */
import type { Milliseconds } from "../host/duration.ts";
import type { DrainOutcome } from "./outcome.ts";

/** Why a drained target is to be registered again. */
export type ReturnReason = "requested" | "application-returned";

/**
 * The intent. `since` is the moment from which the pod's grace period counts, and belongs to the
 * states that use it up.
 */
export type Intent =
  /** The target is to be in service, or on its way there. */
  | { readonly state: "serving" }
  /** It is to be deregistered and drained; clients of `/drain` wait. Then what `next` says. */
  | {
    readonly state: "draining";
    readonly since: Milliseconds;
    readonly next: "wait" | ReturnReason;
  }
  /** A drain has ended. The pod keeps running, deregistered. */
  | { readonly state: "drained"; readonly since: Milliseconds; readonly outcome: DrainOutcome }
  /** The target is to be registered again after a drain that ended, and no step has begun yet. */
  | {
    readonly state: "returning";
    readonly since: Milliseconds;
    readonly outcome: DrainOutcome;
    readonly reason: ReturnReason;
  }
  /** The process is to end. `cause`: a `StopRequested`, or what a step threw. */
  | {
    readonly state: "stopping";
    /** Undefined: a step failed, and nothing says that the pod is being deleted. */
    readonly since: Milliseconds | undefined;
    readonly cause: unknown;
    /** A second stop signal: skip hooks and waits, never DeregisterTargets. */
    readonly forced: boolean;
    /** `awaited`: clients of `/drain` wait; `ended`: a drain has ended since the stop came. */
    readonly drain: "none" | "awaited" | "ended";
  }
  /** All is done; the outcome is for late clients of `/drain`. */
  | { readonly state: "ended"; readonly outcome: DrainOutcome };

/** What can happen. `at` is the moment it happened. */
export type IntentEvent =
  /** A client called `/drain`. */
  | { readonly event: "drain"; readonly at: Milliseconds }
  /** A client called `/register`. */
  | { readonly event: "register" }
  /** The application went away and answers again. */
  | { readonly event: "application-returned" }
  /** The first stop signal, or an error that nobody caught. */
  | { readonly event: "stop"; readonly at: Milliseconds; readonly cause: unknown }
  | { readonly event: "second-stop" }
  /** A step failed in a way that ends the lifecycle. */
  | { readonly event: "failed"; readonly at: Milliseconds; readonly cause: unknown }
  /** Every target is deregistered and drained, or it is known why not. */
  | { readonly event: "drain-ended"; readonly outcome: DrainOutcome }
  /** The first step of another registration cycle begins. */
  | { readonly event: "begun" }
  /** Nothing is left to do. */
  | { readonly event: "ended"; readonly outcome: DrainOutcome };

/** What follows from an event. The same object where nothing changes. */
export function nextIntent(intent: Intent, event: IntentEvent, gracePeriod: Milliseconds): Intent {
  switch (event.event) {
    case "drain":
      return drain(intent, event.at, gracePeriod);
    case "register":
      return comeBack(intent, "requested");
    case "application-returned":
      return comeBack(intent, "application-returned");
    case "stop":
      return stop(intent, event, gracePeriod);
    case "failed":
      return isEnding(intent) ? intent : stopping(intent, undefined, event.cause);
    case "second-stop":
      return intent.state === "stopping" && !intent.forced ? { ...intent, forced: true } : intent;
    case "drain-ended":
      return drainEnded(intent, event.outcome);
    case "begun":
      return intent.state === "returning" ? { state: "serving" } : intent;
    case "ended":
      return intent.state === "stopping" ? { state: "ended", outcome: event.outcome } : intent;
  }
}

/** The last request wins: a drain undoes a wish to register again. */
function drain(intent: Intent, at: Milliseconds, gracePeriod: Milliseconds): Intent {
  switch (intent.state) {
    case "serving":
      return { state: "draining", since: at, next: "wait" };
    case "draining": {
      const since = graceSince(intent, at, gracePeriod);
      const isSame = since === intent.since && intent.next === "wait";
      return isSame ? intent : { state: "draining", since, next: "wait" };
    }
    case "drained":
    case "returning": {
      const { outcome } = intent;
      const since = graceSince(intent, at, gracePeriod);
      // What could not be confirmed the last time may be now.
      if (outcome.outcome === "failed") return { state: "draining", since, next: "wait" };
      const isSame = since === intent.since && intent.state === "drained";
      return isSame ? intent : { state: "drained", since, outcome };
    }
    case "stopping":
      if (intent.drain === "awaited") return intent;
      return { ...intent, since: intent.since ?? at, drain: "awaited" };
    case "ended":
      return intent;
  }
}

/** Once the drain has ended, and only then: its clients rely on it. */
function comeBack(intent: Intent, reason: ReturnReason): Intent {
  switch (intent.state) {
    case "draining":
      return intent.next === "wait" ? { ...intent, next: reason } : intent;
    case "drained":
      return { ...intent, state: "returning", reason };
    default:
      return intent;
  }
}

/** The first cause stays: what follows from a stop is no cause of its own. */
function stop(
  intent: Intent,
  { at, cause }: { readonly at: Milliseconds; readonly cause: unknown },
  gracePeriod: Milliseconds,
): Intent {
  if (!isEnding(intent)) return stopping(intent, graceSince(intent, at, gracePeriod), cause);
  const isFirstSign = intent.state === "stopping" && intent.since === undefined;
  return isFirstSign ? { ...intent, since: at } : intent;
}

function isEnding({ state }: Intent): boolean {
  return state === "stopping" || state === "ended";
}

function stopping(intent: Intent, since: Milliseconds | undefined, cause: unknown): Intent {
  const drain = intent.state === "draining" ? "awaited" : "none";
  return { state: "stopping", since, cause, forced: false, drain };
}

function drainEnded(intent: Intent, outcome: DrainOutcome): Intent {
  switch (intent.state) {
    case "draining":
      return intent.next === "wait"
        ? { state: "drained", since: intent.since, outcome }
        : { state: "returning", since: intent.since, outcome, reason: intent.next };
    case "stopping":
      return intent.drain === "ended" ? intent : { ...intent, drain: "ended" };
    default:
      return intent;
  }
}

/**
 * The kubelet counts from the pod's deletion, whose first sign is a drain (by a preStop hook) or a
 * stop signal. A pod that outlives its grace period was not being deleted: the next sign counts.
 */
function graceSince(intent: Intent, at: Milliseconds, gracePeriod: Milliseconds): Milliseconds {
  const since = sinceOf(intent);
  return since !== undefined && at - since < gracePeriod ? since : at;
}

/** When the grace period began; undefined: it has not. */
export function sinceOf(intent: Intent): Milliseconds | undefined {
  return "since" in intent ? intent.since : undefined;
}

/** Whether clients of `/drain` wait for an answer. */
export function isDrainAwaited(intent: Intent): boolean {
  return intent.state === "draining" || (intent.state === "stopping" && intent.drain === "awaited");
}
