/** Turns what the SDK throws into an `ApiError`: one message, and retryable or final. */
import {
  getRetryAfterHint,
  isClockSkewError,
  isServerError,
  isThrottlingError,
  isTransientError,
} from "@smithy/core/retry";
import { type ApiCall, ApiError, type ApiErrorDetails } from "./errors.ts";
import { credentialsError } from "./credentials/errors.ts";
import { NoAnswer, UnexpectedReply } from "./handler.ts";
import { readable, word } from "./redact.ts";

/** Where an error came from, for its message. */
export interface ErrorContext {
  readonly call: ApiCall;
  /** What the call was about: an ARN or names. */
  readonly resource: string;
  /** Whether the request went out. */
  readonly sent: boolean;
  /** The source of credentials that the SDK tried last, if any. */
  readonly source: string | undefined;
  /** Whether refused credentials may be replaced by good ones. @default {false} */
  readonly renewable?: boolean;
}

/** An error of the SDK, with what its deserializer and its retry classification rely on. */
type SdkError = Parameters<typeof isTransientError>[0];

/** Codes by which AWS says that the policy does not allow a call. */
const DENIALS: ReadonlySet<string> = new Set(["AccessDenied", "UnauthorizedOperation"]);

const SEE_CREDENTIALS = "check which credentials the pod gets";

/** Codes by which AWS refuses the credentials themselves, with the remedy. */
const CREDENTIALS_REFUSED: Readonly<Record<string, string>> = {
  ExpiredToken: "the session token has expired: give the pod a role (EKS Pod Identity or IRSA), " +
    "whose credentials are renewed, or renew AWS_SESSION_TOKEN and restart the pod",
  InvalidClientTokenId: "AWS does not know the access key: it was deleted, is of another " +
    "partition, or its session token does not belong to it",
  UnrecognizedClient: `AWS does not know the access key: ${SEE_CREDENTIALS}`,
  InvalidAccessKeyId: `AWS does not know the access key: ${SEE_CREDENTIALS}`,
  AuthFailure: `AWS does not accept the credentials: ${SEE_CREDENTIALS}`,
  InvalidSignature: `the secret access key does not belong to the access key: ${SEE_CREDENTIALS}`,
  SignatureDoesNotMatch:
    `the secret access key does not belong to the access key: ${SEE_CREDENTIALS}`,
  MissingAuthenticationToken: `the request was not signed: ${SEE_CREDENTIALS}`,
};

/** A Network Load Balancer's quotas (user guide, load-balancer-limits). */
const QUOTAS = "; a Network Load Balancer takes 500 targets per Availability Zone, or 500 in all " +
  "with cross-zone load balancing, and at most 3,000; a target counts once for each group";

const WRONG_REGION = "scoped to a valid region";

const CHECK_FOR_PROXY = ": check for a proxy in between, and -endpoint-url";

const CLOCKS_DIFFER = "; the node's clock is wrong: requests carry the API's time from now on";

/** Whether the API refuses the credentials that the call was signed with. */
export function refusesCredentials(error: unknown): boolean {
  return isSdkError(error) && codeOf(error) in CREDENTIALS_REFUSED && !isClockSkew(error) &&
    !error.message.includes(WRONG_REGION);
}

/** Turns an error of the SDK into one of ours. */
export function toApiError(error: unknown, context: ErrorContext): ApiError {
  const sdkError: SdkError = isSdkError(error) ? error : { name: "Error", message: String(error) };
  if (!context.sent) {
    const { call, source } = context;
    const retryable = isRetryable(sdkError);
    return credentialsError(sdkError, { call, source, code: codeOf(sdkError), retryable });
  }
  if (error instanceof NoAnswer || error instanceof UnexpectedReply) {
    return unanswered(error, context);
  }
  const status = sdkError.$metadata?.httpStatusCode;
  return status !== undefined && status < 400
    ? unparsed(sdkError, status, context)
    : answered(sdkError, context);
}

/** The SDK's own classification. */
function isRetryable(error: SdkError): boolean {
  return isThrottlingError(error) || isTransientError(error) || isServerError(error);
}

/** Any error may have the fields that the SDK adds to its own. */
function isSdkError(error: unknown): error is SdkError {
  return error instanceof Error;
}

function unanswered(error: NoAnswer | UnexpectedReply, { call }: ErrorContext): ApiError {
  const advice = error instanceof UnexpectedReply ? CHECK_FOR_PROXY : "";
  return new ApiError(error.message + advice, {
    call,
    code: error.name,
    retryable: true,
    effect: error.reachedServer ? "unknown" : "none",
  }, { cause: error });
}

/**
 * The API accepted the request, and the SDK could not parse the reply inside its root element: no
 * refusal, since the call may have had its effect.
 */
function unparsed(error: SdkError, status: number, { call }: ErrorContext): ApiError {
  const why = readable(error.message);
  return new ApiError(`the reply (HTTP ${status}) cannot be parsed: ${why}${CHECK_FOR_PROXY}`, {
    ...{ call, code: "UnexpectedReply", retryable: true, effect: "unknown" },
  }, { cause: error });
}

/** The API answered with an error. */
function answered(error: SdkError, context: ErrorContext): ApiError {
  const { call, renewable = false } = context;
  const status = error.$metadata?.httpStatusCode;
  const code = codeOf(error);
  const isSkewed = isClockSkew(error);
  const details: ApiErrorDetails = {
    call,
    code,
    retryable: isSkewed || renewable || code === "TooManyTargets" || isRetryable(error),
    effect: status !== undefined && status >= 400 && status < 500 ? "none" : "unknown",
    ...retryAfter(error),
  };
  const id = error.$metadata?.requestId;
  const origin = [...(status ? [`HTTP ${status}`] : []), ...(id ? [`request ${word(id)}`] : [])];
  const advice = isSkewed ? CLOCKS_DIFFER : remedy(code, error.message, context);
  const message = `${code}: ${readable(error.message)}${advice}` +
    (origin.length > 0 ? ` (${origin.join(", ")})` : "");
  return new ApiError(message, details, { cause: error });
}

/**
 * Whether the API refused the signature's time. The SDK has adopted the API's time by then, so the
 * next attempt is right; but it reports that only when the clocks have drifted further apart.
 */
function isClockSkew(error: SdkError): boolean {
  const isAboutTime = /Signature (expired|not yet current)|^Request/;
  return isClockSkewError(error) && isAboutTime.test(`${error.name} ${error.message}`);
}

/** The code on the wire: the SDK's names of modelled errors end in `Exception`. */
function codeOf(error: SdkError): string {
  const code = "Code" in error && typeof error.Code === "string" ? error.Code : error.name;
  return code === "ThrottlingException" ? code : word(code).replace(/Exception$/, "");
}

function retryAfter(error: SdkError): { retryAfter?: number } {
  const at = getRetryAfterHint(error.$response);
  if (at === undefined) return {};
  const time = at.getTime() - Date.now();
  // Not a number where the time is beyond what a date can hold.
  return { retryAfter: Number.isNaN(time) ? Infinity : Math.max(0, time) };
}

function remedy(code: string, message: string, { call, resource }: ErrorContext): string {
  if (DENIALS.has(code)) {
    const on = call.startsWith("Describe") ? "*" : readable(resource);
    return `; the role's policy must allow elasticloadbalancing:${call} on ${on}`;
  }
  if (code === "TooManyTargets") return QUOTAS;
  if (message.includes(WRONG_REGION)) {
    return "; the endpoint belongs to another region: check -region, AWS_REGION and -endpoint-url";
  }
  if (/is not a valid IPv[46] address/.test(message)) {
    return "; the target group takes IP addresses: set -target-id to the pod's (status.podIP)";
  }
  const refused = CREDENTIALS_REFUSED[code];
  return refused === undefined ? "" : `; ${refused}`;
}
