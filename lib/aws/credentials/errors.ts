/** Errors before the request went out: region, credentials, permissions of the process. */
import { type ApiCall, ApiError } from "../errors.ts";
import { NoAnswer, UnexpectedReply, Unsendable } from "../handler.ts";
import { readable } from "../redact.ts";

/** An error of the SDK, with the fields that tell what is wrong with the credentials. */
interface SdkError extends Error {
  /** Of the system. */
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number | undefined };
}

/** What else is known about it. */
export interface CredentialsContext {
  readonly call: ApiCall;
  /** The source that the SDK tried last, if any. */
  readonly source: string | undefined;
  /** The code in the reply of STS. */
  readonly code: string;
  /** By the SDK's own classification. */
  readonly retryable: boolean;
}

/** The error of an attempt whose time was up before it had credentials. */
export function credentialsTooSlow(call: ApiCall, source: string | undefined): ApiError {
  const message = `the AWS credentials did not arrive in time${lastTried(source)}: check whether ` +
    "the pod can reach their source";
  return new ApiError(message, { call, code: "NoCredentials", retryable: true, effect: "none" });
}

/** An error that the SDK threw before it sent the request. */
export function credentialsError(error: SdkError, context: CredentialsContext): ApiError {
  const { message, retryable, code = "NoCredentials" } = explain(error, context);
  const { call } = context;
  return new ApiError(message, { call, code, retryable, effect: "none" }, { cause: error });
}

interface Explanation {
  readonly message: string;
  readonly retryable: boolean;
  /** @default {"NoCredentials"} */
  readonly code?: string;
}

/** What may be different at the next attempt. */
const passing = (message: string): Explanation => ({ message, retryable: true });
/** What someone has to mend. */
const final = (message: string): Explanation => ({ message, retryable: false });

function explain(error: SdkError, context: CredentialsContext): Explanation {
  const { message, code = "" } = error;
  if (error instanceof NoAnswer) return passing(`STS returned no AWS credentials: ${message}`);
  if (error instanceof UnexpectedReply) {
    return passing(`STS returned no AWS credentials: ${message}: ${CHECK_FOR_PROXY}`);
  }
  if (error instanceof Unsendable) return final(UNSENDABLE);
  if (error.$metadata?.httpStatusCode !== undefined) return refusedBySts(message, context);
  if (error instanceof Deno.errors.NotCapable) {
    return final(`Deno denies a permission that AWS credentials need: ${readable(message)}`);
  }
  // A token file, or one of the SDK's own.
  const path = /'([^']+)'/.exec(message)?.[1];
  const problem = FILE_ERRORS[code];
  return path !== undefined && problem !== undefined
    ? final(`the file ${path}${problem}`)
    : noSource(message, context.source);
}

const CHECK_FOR_PROXY = "check for a proxy in between, and AWS_ENDPOINT_URL";

/** A line break at the end of a Secret's file is the usual cause. */
const UNSENDABLE =
  "the AWS credentials contain a character that no HTTP header can carry: check for a line break in " +
  "AWS_ACCESS_KEY_ID, AWS_SESSION_TOKEN, and the Kubernetes Secret that they come from";

const FILE_ERRORS: Readonly<Record<string, string>> = {
  ENOENT:
    ", the source of AWS credentials, does not exist: check the pod's volumes, and the variable that names it",
  EACCES:
    ", the source of AWS credentials, cannot be read: give the pod an fsGroup (securityContext) if it does not run as root",
};

/** What to do where STS refuses. */
const STS_REMEDIES: Readonly<Record<string, string>> = {
  AccessDenied: "the trust policy of the role (AWS_ROLE_ARN) must allow this service account: " +
    "compare issuer, subject and audience",
  ExpiredToken: "check why the kubelet does not renew the file that AWS_WEB_IDENTITY_TOKEN_FILE " +
    "names",
  InvalidIdentityToken: "check that the cluster's OIDC provider is set up in IAM, and the " +
    "content of the file that AWS_WEB_IDENTITY_TOKEN_FILE names",
};

function refusedBySts(text: string, { code, retryable }: CredentialsContext): Explanation {
  const verb = retryable ? "failed to return" : "refused to return";
  const remedy = code in STS_REMEDIES ? `: ${STS_REMEDIES[code]}` : "";
  const message = `STS ${verb} AWS credentials (${code}: ${readable(text)})${remedy}`;
  return { code, message, retryable };
}

/** No source had any. */
function noSource(text: string, source: string | undefined): Explanation {
  // The second for an empty AWS_REGION.
  if (/^Region (is missing|not accepted)/.test(text)) {
    const message = "no region is set: set -region, AWS_REGION or -target-group-arn";
    return { code: "NoRegion", ...final(message) };
  }
  // Neither HOME nor /etc/passwd says what ~ stands for.
  if (text.includes('The "path" argument must be of type string')) {
    return final(
      "the user of this process has no home folder, where the SDK reads its settings: set HOME to " +
        "any folder",
    );
  }
  if (text.includes("Could not load credentials from any providers")) {
    return final(
      "no AWS credentials were found: give the pod a role (EKS Pod Identity or IRSA), or set both " +
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; if AWS_PROFILE is set, check that " +
        `profile${lastTried(source)}`,
    );
  }
  // The SDK then tries a second way, which does not know this host, and reports only that failure.
  if (text.includes("is not a valid container metadata service hostname")) {
    return passing(
      `no AWS credentials came from ${source}: check that the agent runs on the node, and that the ` +
        "service account has a pod identity association",
    );
  }
  return passing(`failed to fetch AWS credentials: ${readable(text)}`);
}

function lastTried(source: string | undefined): string {
  return source === undefined ? "" : `; the last source tried was ${source}`;
}
