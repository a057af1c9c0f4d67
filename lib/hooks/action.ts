/** What a hook can do, as an interface with several fillings. */
import type { Clock } from "../host/clock.ts";
import type { Log, LogFields } from "../host/log.ts";
import type { HookContext } from "./hook.ts";

/** One thing that a hook does, such as running a command. */
export interface HookAction {
  /** What it is, for the log: `command="…"`. */
  readonly fields: LogFields;
  /** Does it. When the signal ends it ends itself, soon, and leaves nothing running. */
  run(context: HookContext, signal: AbortSignal): Promise<ActionResult>;
}

/** How an action ended, with what the log should say of it. */
export type ActionResult =
  & { readonly fields: LogFields }
  & (
    | { readonly outcome: "succeeded" }
    /** `reason` is the end of a sentence: "exit code 3", "it could not be started: …". */
    | { readonly outcome: "failed"; readonly reason: string }
    /** The signal ended it. */
    | { readonly outcome: "interrupted" }
  );

/** What hooks need of the world. */
export interface HookPorts {
  readonly clock: Clock;
  readonly log: Log;
  /** Whether `/bin/sh` is there: see `shellExists`. */
  readonly shell: boolean;
}
