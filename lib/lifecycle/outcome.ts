/** How a lifecycle, and a drain in it, ends. */
import { type ExitName, Failure } from "../host/exit.ts";
import { StopRequested } from "../host/signals.ts";
import type { Registration } from "../registration/registration.ts";

/** How a drain ended. */
export type DrainOutcome =
  | { readonly outcome: "drained" }
  /** Not confirmed as deregistered, or not drained in time; `reason` is a whole message. */
  | { readonly outcome: "failed"; readonly reason: string };

/** How a lifecycle ended: the exit code's name, and the message of the last log line. */
export interface LifecycleOutcome {
  readonly exit: ExitName;
  readonly message: string;
}

/**
 * The one place that turns the cause of a stop into an outcome.
 * @param stopped The message where all that happened is that a stop signal came.
 */
export function outcomeOf(cause: unknown, stopped: string): LifecycleOutcome {
  if (cause instanceof StopRequested && cause.cause === undefined) {
    return { exit: "done", message: stopped };
  }
  if (cause instanceof Failure) return { exit: cause.exit, message: cause.message };
  const error = cause instanceof StopRequested ? cause.cause : cause;
  return { exit: "error", message: `unexpected error: ${String(error)}` };
}

/** The outcome where targets may be left registered; none where none is. */
export function unconfirmed(registrations: readonly Registration[]): LifecycleOutcome | undefined {
  const left = registrations.filter(({ mayBeRegistered }) => mayBeRegistered)
    .map(({ group, target, membership }) => {
      const why = membership.at === "unknown"
        ? membership.reason
        : "RegisterTargets had no answer until the time to deregister was over";
      return `${target.id} in ${group.arn}: ${why}`;
    });
  if (left.length === 0) return undefined;
  return {
    exit: "deregistrationNotConfirmed",
    message: `could not confirm that this target is deregistered: ${left.join("; ")}; ` +
      "see `aws elbv2 describe-target-health`, and deregister it by hand if it is listed",
  };
}
