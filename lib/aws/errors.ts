/** Errors of API calls, in the terms in which the sidecar decides. */
import type { Milliseconds } from "../host/duration.ts";

/** The calls that the sidecar makes, by their names in the API and in IAM. */
export type ApiCall =
  | "DescribeTargetGroups"
  | "RegisterTargets"
  | "DeregisterTargets"
  | "DescribeTargetHealth"
  | "DescribeTargetGroupAttributes";

/** What an `ApiError` holds. */
export interface ApiErrorDetails {
  readonly call: ApiCall;
  /** The API's error code, or one of ours: `NoAnswer`, `UnexpectedReply`, `NoCredentials` … */
  readonly code: string;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /**
   * Whether the call can have had its effect: `none` where the API refused it or never got it;
   * `unknown` where no answer came, or one that says nothing (5xx, cut off, not XML).
   */
  readonly effect: "none" | "unknown";
  /** How long to wait before the next attempt, as the API wants it. */
  readonly retryAfter?: Milliseconds;
}

/** A call that failed. Its message is for the log: it names the call, and mostly the code. */
export class ApiError extends Error implements ApiErrorDetails {
  override readonly name = "ApiError";
  readonly call: ApiCall;
  readonly code: string;
  readonly retryable: boolean;
  readonly effect: "none" | "unknown";
  readonly retryAfter?: Milliseconds;

  constructor(message: string, details: ApiErrorDetails, options?: ErrorOptions) {
    super(`${details.call}: ${message}`, options);
    this.call = details.call;
    this.code = details.code;
    this.retryable = details.retryable;
    this.effect = details.effect;
    if (details.retryAfter !== undefined) this.retryAfter = details.retryAfter;
  }
}

/** Whether the API says that the target group does not exist (any more). */
export function isGroupNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.code === "TargetGroupNotFound";
}
