/** Errors before the request went out: region, credentials, permissions of the process. */
import { type ApiCall, ApiError } from "../errors.ts";
import { NoAnswer, UnexpectedReply, Unsendable } from "../handler.ts";
import { readable } from "../redact.ts";

/** An error of the SDK, as far as it tells what is wrong with the credentials. */
interface SdkError extends Error {
  /** Of STS, or of the system. */
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number | undefined };
}

/** What else is known of it. */
export interface CredentialsContext {
  readonly call: ApiCall;
  /** The source that the SDK tried last, if any. */
  readonly source: string | undefined;
  /** The code of the reply of STS. */
  readonly code: string;
  /** By the SDK's own classification. */
  readonly retryable: boolean;
}

/** What to do where STS refuses. */
const STS_REMEDIES: Readonly<Record<string, string>> = {
  AccessDenied: "the trust policy of the role (AWS_ROLE_ARN) must allow this service account: " +
    "compare issuer, subject and audience",
  ExpiredToken: "check why the kubelet does not renew the file that AWS_WEB_IDENTITY_TOKEN_FILE " +
    "names",
  InvalidIdentityToken: "check that the cluster's OIDC provider is set up in IAM, and the " +
    "content of the file that AWS_WEB_IDENTITY_TOKEN_FILE names",
};

/** The credentials were not there when the time of an attempt was up. */
export function credentialsTooSlow(call: ApiCall, source: string | undefined): ApiError {
  const { code, message, retryable } = noCredentials(
    `the AWS credentials did not arrive in time${asked(source)}: check whether the pod can reach ` +
      "their source",
    true,
  );
  return new ApiError(message, { call, code, retryable, effect: "none" });
}

/** An error that the SDK threw before it sent the request. */
export function credentialsError(error: SdkError, context: CredentialsContext): ApiError {
  const { call } = context;
  const { code, message, retryable } = explain(error, context);
  return new ApiError(message, { call, code, retryable, effect: "none" }, { cause: error });
}

interface Explanation {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}

function explain(error: SdkError, context: CredentialsContext): Explanation {
  if (error instanceof NoAnswer) {
    return noCredentials(`STS returned no AWS credentials: ${error.message}`, true);
  }
  if (error instanceof UnexpectedReply) {
    const message = `STS returned no AWS credentials: ${error.message}: check ` +
      "for a proxy in between, and AWS_ENDPOINT_URL";
    return noCredentials(message, true);
  }
  if (error instanceof Unsendable) return unsendable();
  if (error.$metadata?.httpStatusCode !== undefined) return answerOfSts(error, context);
  return fileError(error) ?? sourceError(error, context);
}

function noCredentials(message: string, retryable: boolean): Explanation {
  return { code: "NoCredentials", message, retryable };
}

/** A line break at the end of a secret's file is the usual cause. */
function unsendable(): Explanation {
  return noCredentials(
    "the AWS credentials contain a character that no HTTP header can carry: look for a line break in " +
      "AWS_ACCESS_KEY_ID, AWS_SESSION_TOKEN, and in the Kubernetes secret that they come from",
    false,
  );
}

function answerOfSts(error: SdkError, { code, retryable }: CredentialsContext) {
  const remedy = STS_REMEDIES[code];
  const verb = retryable ? "failed to return" : "refused to return";
  const message = `STS ${verb} AWS credentials (${code}: ${readable(error.message)})` +
    (remedy === undefined ? "" : `: ${remedy}`);
  return { code, message, retryable };
}

/** A token file, or one of the SDK's own. */
function fileError(error: SdkError): Explanation | undefined {
  if (error instanceof Deno.errors.NotCapable) {
    return noCredentials(
      `Deno does not allow what credentials need: ${readable(error.message)}`,
      false,
    );
  }
  const path = /'([^']+)'/.exec(error.message)?.[1];
  if (path === undefined) return undefined;
  switch (error.code) {
    case "ENOENT":
      return noCredentials(
        `the file ${path}, the source of AWS credentials, does not exist: check ` +
          "the pod's volumes, and the variable that names it",
        false,
      );
    case "EACCES":
      return noCredentials(
        `the file ${path}, the source of AWS credentials, cannot be read: give the pod ` +
          "an fsGroup (securityContext) if it does not run as root",
        false,
      );
    default:
      return undefined;
  }
}

/** None of the sources gave any. */
function sourceError({ message }: SdkError, { source }: CredentialsContext): Explanation {
  // An empty AWS_REGION counts as one that is not accepted.
  if (message.startsWith("Region is missing") || message.startsWith("Region not accepted")) {
    return {
      code: "NoRegion",
      message: "no region is set: set -region, AWS_REGION or -target-group-arn",
      retryable: false,
    };
  }
  // Without HOME and without an entry in /etc/passwd there is no folder that ~ could stand for.
  if (message.includes('The "path" argument must be of type string')) {
    return noCredentials(
      "the user of this process has no home folder, where the SDK looks for its settings: set " +
        "HOME to any folder",
      false,
    );
  }
  if (message.includes("Could not load credentials from any providers")) {
    return noCredentials(
      "no AWS credentials were found: give the pod a role (EKS Pod Identity or IRSA), or set " +
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; if AWS_PROFILE is set, check that profile" +
        asked(source),
      false,
    );
  }
  // The SDK then tries a second way that knows no such host, and tells of that failure alone.
  if (message.includes("is not a valid container metadata service hostname")) {
    return noCredentials(
      `no AWS credentials came from ${source}: check that the agent runs on the node, and ` +
        "that the service account has a pod identity association",
      true,
    );
  }
  return noCredentials(`the AWS credentials could not be fetched: ${readable(message)}`, true);
}

function asked(source: string | undefined): string {
  return source === undefined ? "" : `; the last source tried was ${source}`;
}
