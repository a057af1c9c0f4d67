/** What the sidecar does at the steps of its life for others: commands and webhooks. */
import type { Milliseconds } from "../host/duration.ts";

/** The steps that can have hooks, in the order of a life. */
export const HOOK_EVENTS = [
  "pre-register",
  "post-register",
  "pre-deregister",
  "post-deregister",
] as const;
export type HookEvent = typeof HOOK_EVENTS[number];

/** What is known of the target; `unknown`: a call to the API got no answer. */
export type TargetState = "not-registered" | "registered" | "in-service" | "unknown";

/** What a hook is told. */
export interface HookContext {
  readonly event: HookEvent;
  readonly targetId: string;
  readonly targetGroupArns: readonly string[];
  /** For webhooks, where it is known. */
  readonly state?: TargetState | undefined;
}

/** How a hook ended; only `succeeded` is good. */
export type HookResult =
  | { readonly outcome: "succeeded" }
  /** `reason` is the end of a sentence: "exit code 3", "it could not be started: …". */
  | { readonly outcome: "failed"; readonly reason: string }
  | { readonly outcome: "timed-out"; readonly after: Milliseconds }
  /** The signal ended it: a stop was asked for. */
  | { readonly outcome: "cut-short" };

/** The hooks port: runs what is set for an event, and logs it; never throws. */
export interface Hooks {
  run(context: HookContext, signal: AbortSignal): Promise<HookResult>;
}

/** What is set for one event. */
export interface HookSettings {
  /** Run as `/bin/sh -c COMMAND`, or split into words where there is no shell; empty: none. */
  readonly command?: string | undefined;
  /** POSTed to after the command, if there is one too; empty: none. */
  readonly url?: string | undefined;
  /** The time for all that the event's hook does. */
  readonly timeout: Milliseconds;
}
