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
import { readable } from "./redact.ts";

/** Where an error came from, for its message. */
export interface ErrorContext {
  readonly call: ApiCall;
  /** What the call was about: an ARN or names. */
  readonly resource: string;
  /** Whether the request went out. */
  readonly sent: boolean;
  /** The source of credentials that the SDK tried last, if any. */
  readonly source: string | undefined;
}

/** An error of the SDK, with what its deserializer and its retry classification rely on. */
type SdkError = Parameters<typeof isTransientError>[0];

/** Codes by which AWS says that the policy does not allow a call. */
const NOT_ALLOWED = new Set(["AccessDenied", "AccessDeniedException", "UnauthorizedOperation"]);

/** Codes by which AWS refuses the credentials themselves, with what is to be done. */
const CREDENTIALS_REFUSED: Readonly<Record<string, string>> = {
  ExpiredToken: "the session token has expired: give the pod a role (EKS Pod Identity or IRSA), " +
    "whose credentials are renewed, or renew AWS_SESSION_TOKEN and start the pod anew",
  InvalidClientTokenId: "AWS does not know the access key: it was deleted, is of another " +
    "partition, or its session token does not belong to it",
  UnrecognizedClient: "AWS does not know the access key: see which credentials the pod is given",
  SignatureDoesNotMatch: "the secret access key does not belong to the access key: see which " +
    "credentials the pod is given",
  MissingAuthenticationToken: "the request came unsigned: see which credentials the pod is given",
};

const CLOCKS_DIFFER = "; the node's clock differs from the API's, which is allowed for from now on";

/** Turns an error of the SDK into one of ours. */
export function toApiError(error: unknown, context: ErrorContext): ApiError {
  const sdkError: SdkError = isSdkError(error) ? error : { name: "Error", message: String(error) };
  if (!context.sent) {
    const { call, source } = context;
    const retryable = isRetryable(sdkError);
    return credentialsError(sdkError, { call, source, code: codeOf(sdkError), retryable });
  }
  if (error instanceof NoAnswer) return noAnswer(error, context);
  if (error instanceof UnexpectedReply) return unexpectedReply(error, context);
  return answered(sdkError, context);
}

/** The SDK's own classification. */
function isRetryable(error: SdkError): boolean {
  return isThrottlingError(error) || isTransientError(error) || isServerError(error);
}

/** Whatever is thrown as an error may have what the SDK puts on its own. */
function isSdkError(error: unknown): error is SdkError {
  return error instanceof Error;
}

function noAnswer(error: NoAnswer, { call }: ErrorContext): ApiError {
  return new ApiError(error.message, {
    call,
    code: "NoAnswer",
    retryable: true,
    effect: error.reachedServer ? "unknown" : "none",
  }, { cause: error });
}

function unexpectedReply(error: UnexpectedReply, { call }: ErrorContext): ApiError {
  const message = `${error.message}: a proxy in between, or a wrong -endpoint-url?`;
  return new ApiError(message, {
    call,
    code: "UnexpectedReply",
    retryable: true,
    effect: "unknown",
  }, { cause: error });
}

/** The API answered with an error. */
function answered(error: SdkError, context: ErrorContext): ApiError {
  const { call } = context;
  const status = error.$metadata?.httpStatusCode;
  const code = codeOf(error);
  const isSkewed = isClockSkew(error);
  const details: ApiErrorDetails = {
    call,
    code,
    retryable: isSkewed || isRetryable(error),
    effect: status !== undefined && status < 500 ? "none" : "unknown",
    ...retryAfter(error),
  };
  const id = error.$metadata?.requestId;
  const origin = [...(status ? [`HTTP ${status}`] : []), ...(id ? [`request ${id}`] : [])];
  const advice = isSkewed ? CLOCKS_DIFFER : remedy(code, error.message, context);
  const message = `${code}: ${readable(error.message)}${advice}` +
    (origin.length > 0 ? ` (${origin.join(", ")})` : "");
  return new ApiError(message, details, { cause: error });
}

/**
 * Whether the signature's time was refused. The SDK has taken over the API's time by then, so that
 * the next try is right; but it says so only where the clocks are further apart than before.
 */
function isClockSkew(error: SdkError): boolean {
  const isAboutTime = /Signature (expired|not yet current)|^Request/;
  return isClockSkewError(error) && isAboutTime.test(`${error.name} ${error.message}`);
}

/** The code as it is on the wire: the SDK's names of modelled errors end in `Exception`. */
function codeOf(error: SdkError): string {
  const code = "Code" in error && typeof error.Code === "string" ? error.Code : error.name;
  return code === "ThrottlingException" ? code : code.replace(/Exception$/, "");
}

function retryAfter(error: SdkError): { retryAfter?: number } {
  const at = getRetryAfterHint(error.$response);
  return at === undefined ? {} : { retryAfter: Math.max(0, at.getTime() - Date.now()) };
}

function remedy(code: string, message: string, { call, resource }: ErrorContext): string {
  if (NOT_ALLOWED.has(code)) {
    const on = call.startsWith("Describe") ? "*" : resource;
    return `; the role's policy must allow elasticloadbalancing:${call} on ${on}`;
  }
  if (message.includes("scoped to a valid region")) {
    return "; the endpoint is of another region than the one that is given: see -region, " +
      "AWS_REGION and -endpoint-url";
  }
  const refused = CREDENTIALS_REFUSED[code];
  return refused === undefined ? "" : `; ${refused}`;
}
