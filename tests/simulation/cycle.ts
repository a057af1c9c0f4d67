/** One cycle of a life: from registering to the end of it, or to drained. */
import type { Phase } from "./trace.ts";

/** What made a cycle end. */
export interface Leave {
  readonly at: number;
  readonly phase: Phase;
  readonly by: "stop" | "drain";
}

/** Where a cycle began, in time and in what is recorded of the whole life. */
export class Cycle {
  /** What came first; undefined: neither a stop nor a drain yet. */
  leave: Leave | undefined;
  /** After the last `/drain`, `/register` came or the application came back. */
  isWantedBack = false;

  constructor(
    readonly began: number,
    readonly first: { readonly call: number; readonly hook: number; readonly phase: number },
  ) {}
}
