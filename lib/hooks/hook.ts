/** What runs at the steps of a lifecycle for its user: commands and webhooks. */
import type { Clock } from "../host/clock.ts";
import type { Milliseconds } from "../host/duration.ts";
import type { Log, LogFields } from "../host/log.ts";
import type { Reap } from "../host/reaper.ts";

/** The steps that can have hooks, in the order of a lifecycle. */
export const HOOK_EVENTS = [
  "pre-register",
  "post-register",
  "pre-deregister",
  "post-deregister",
] as const;
export type HookEvent = typeof HOOK_EVENTS[number];

/** What webhooks report of the target; `unknown`: a call to the API got no answer. */
export type WebhookState = "not-registered" | "registered" | "in-service" | "unknown";

/** What a hook gets to know. */
export interface HookContext {
  readonly event: HookEvent;
  readonly targetId: string;
  readonly targetGroupArns: readonly string[];
  /** In the groups that serve QUIC. */
  readonly quicServerIds?: readonly string[];
  /** What is set for the event, or less where the pod's grace period leaves less. */
  readonly timeout: Milliseconds;
  /** For webhooks. */
  readonly state: WebhookState;
}

/** `reason` is the end of a message: "exit code 3", "it could not be started: …". */
interface Failed {
  readonly outcome: "failed";
  readonly reason: string;
}

/** How a hook ended; only `succeeded` is good. */
export type HookOutcome =
  | { readonly outcome: "succeeded" }
  | Failed
  | { readonly outcome: "timed-out" }
  /** A stop was requested. */
  | { readonly outcome: "cut-short" };

/** The hooks port: runs what is set for an event, and logs it; never throws. */
export interface Hooks {
  run(context: HookContext, signal: AbortSignal): Promise<HookOutcome>;
}

/** What is set for one event. */
export interface HookSettings {
  /** Run as `/bin/sh -c COMMAND`, or split into words where there is no shell. */
  readonly command?: string | undefined;
  /** POSTed to after the command, if there is one too. */
  readonly url?: string | undefined;
  /** The time for all that the event's hook does. */
  readonly timeout: Milliseconds;
}

/** One thing that a hook does, such as running a command. */
export interface HookAction {
  /** What it is, for the log: `command="…"`. */
  readonly fields: LogFields;
  /** Does it. When the signal ends it ends itself, soon, and leaves nothing running. */
  run(context: HookContext, signal: AbortSignal): Promise<ActionOutcome>;
}

/** How an action ended, with what the log should say of it; `interrupted`: by the signal. */
export type ActionOutcome =
  & { readonly fields: LogFields }
  & ({ readonly outcome: "succeeded" } | Failed | { readonly outcome: "interrupted" });

/** What hooks need of the world. */
export interface HookPorts {
  readonly clock: Clock;
  readonly log: Log;
  /** Whether `/bin/sh` is there: see `shellExists`. */
  readonly shell: boolean;
  /** Where dead processes stay unless they are reaped: as process 1. */
  readonly reap?: Reap | undefined;
  /** An event's hook has ended; not called where nothing is set for it. */
  readonly onEnd?: (event: HookEvent, outcome: HookOutcome) => void;
}
