/** How a lifecycle, and a drain in it, ends. */
import type { Config } from "../config/config.ts";
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
  return left.length === 0 ? undefined : notConfirmed(left.join("; "));
}

/** The outcome where a process was killed in a drain, and its groups could not be found again. */
export function leftBehind({ groups, target }: Config, cause: unknown): LifecycleOutcome {
  const names = groups.map((group) => group.by === "name" ? group.name : group.arn).join(", ");
  const why = cause instanceof Failure
    ? cause.message
    : "a stop signal came before the target group was found";
  return notConfirmed(`${target.ids.join(",")} in ${names}: ${why}`);
}

function notConfirmed(what: string): LifecycleOutcome {
  return {
    exit: "deregistrationNotConfirmed",
    message: `could not confirm that this target is deregistered: ${what}; ` +
      "see `aws elbv2 describe-target-health`, and deregister it by hand if it is listed",
  };
}
