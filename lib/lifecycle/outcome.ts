/** How a life ends: the exit code's name, and the last sentence. */
import { type ExitName, Failure } from "../host/exit.ts";
import { StopRequested } from "../host/signals.ts";
import type { Registration } from "../registration/registration.ts";

/** How a life ended: the exit code's name, and the sentence for the last log line. */
export interface Ending {
  readonly exit: ExitName;
  readonly sentence: string;
}

/**
 * The one place that turns what was thrown into an ending.
 * @param stopped The sentence where all that happened is that a stop signal came.
 */
export function endingOf(reason: unknown, stopped: string): Ending {
  if (reason instanceof StopRequested && reason.cause === undefined) {
    return { exit: "done", sentence: stopped };
  }
  if (reason instanceof Failure) return { exit: reason.exit, sentence: reason.message };
  const fault = reason instanceof StopRequested ? reason.cause : reason;
  return { exit: "error", sentence: `unexpected fault: ${String(fault)}` };
}

/** The ending where registrations may be left; none where none is. */
export function unconfirmed(registrations: readonly Registration[]): Ending | undefined {
  const left = registrations.flatMap(({ group, target, departure }) =>
    departure.outcome === "unconfirmed" ? [`${target.id} in ${group.arn}: ${departure.reason}`] : []
  );
  if (left.length === 0) return undefined;
  return {
    exit: "deregistrationNotConfirmed",
    sentence: `it could not be confirmed that this target is deregistered: ${left.join("; ")}; ` +
      "see `aws elbv2 describe-target-health`, and deregister it by hand if it is listed",
  };
}
