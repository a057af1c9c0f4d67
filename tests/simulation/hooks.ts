/** Hooks in virtual time: they take their time, fail, and hang until they are ended. */
import type { HookContext, HookEvent, HookOutcome, Hooks } from "../../lib/hooks/hook.ts";
import type { VirtualClock } from "./clock.ts";
import type { Tape } from "./tape.ts";
import type { Trace } from "./trace.ts";

/** One run of a hook. */
export interface HookRun {
  readonly event: HookEvent;
  readonly startedAt: number;
  readonly signal: AbortSignal;
  endedAt?: number;
  result?: HookOutcome;
}

/** What hooks do, by event. Times in milliseconds. */
export type HookPlan = { readonly kind: "ends"; readonly after: number } | {
  readonly kind: "fails";
  readonly after: number;
} | { readonly kind: "hangs" };

/** What the hooks model needs. */
export interface HookOptions {
  readonly clock: VirtualClock;
  readonly tape: Tape;
  readonly trace: Trace;
  /** How likely a hook does not end well. */
  readonly trouble: number;
  readonly onHook: (run: HookRun) => void;
}

/** From the moment a hook is to end to the end of all that it started: SIGTERM, then SIGKILL. */
export const LONGEST_ENDING = 1_000;

/** The hooks port. */
export class SimulatedHooks implements Hooks {
  readonly runs: HookRun[] = [];
  readonly #options: HookOptions;

  constructor(options: HookOptions) {
    this.#options = options;
  }

  async run(context: HookContext, signal: AbortSignal): Promise<HookOutcome> {
    const { clock, tape, trace, trouble, onHook } = this.#options;
    const { event, timeout } = context;
    const run: HookRun = { event, startedAt: clock.now(), signal };
    this.runs.push(run);
    onHook(run);
    const plan = draw(tape, trouble);
    if (plan.kind === "fails") trace.incident("hook fails");
    if (plan.kind === "hangs") trace.incident("hook hangs");
    const ends = Promise.withResolvers<HookOutcome>();
    const deadline = clock.within(timeout, signal);
    const interrupt = () => {
      const result: HookOutcome = signal.aborted && deadline.reason === signal.reason
        ? { outcome: "cut-short" }
        : { outcome: "timed-out" };
      clock.after(tape.number() * LONGEST_ENDING, () => ends.resolve(result));
    };
    if (deadline.aborted) interrupt();
    else deadline.addEventListener("abort", interrupt, { once: true });
    if (plan.kind !== "hangs") {
      clock.after(plan.after, () => {
        if (deadline.aborted) return;
        ends.resolve(
          plan.kind === "ends"
            ? { outcome: "succeeded" }
            : { outcome: "failed", reason: "exit code 1" },
        );
      });
    }
    run.result = await ends.promise;
    run.endedAt = clock.now();
    deadline.removeEventListener("abort", interrupt);
    trace.happened(`hook ended: ${event} ${run.result.outcome}`);
    return run.result;
  }
}

function draw(tape: Tape, trouble: number): HookPlan {
  const after = tape.happens(0.5) ? tape.time(8_000) : 0;
  if (!tape.happens(trouble)) return { kind: "ends", after };
  return tape.happens(0.5) ? { kind: "hangs" } : { kind: "fails", after };
}
