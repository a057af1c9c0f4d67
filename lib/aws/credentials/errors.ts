/** Faults before the request went out: region, credentials, what the process may do. */
import { type ApiCall, ApiError } from "../errors.ts";
import { NoAnswer, UnexpectedReply, Unsendable } from "../handler.ts";
import { readable } from "../redact.ts";

/** An error of the SDK's, as far as it says what was wrong with the credentials. */
export interface CredentialsError extends Error {
  /** Of STS, or of the system. */
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number | undefined };
}

/** What is known of it besides. */
export interface CredentialsContext {
  readonly call: ApiCall;
  /** Whom the SDK asked last, if anybody. */
  readonly source: string | undefined;
  /** The code of an answer of STS. */
  readonly code: string;
  /** What the SDK's own classification says. */
  readonly retryable: boolean;
}

/** What is to be done where STS refuses. */
const STS_REMEDIES: Readonly<Record<string, string>> = {
  AccessDenied: "the trust policy of the role (AWS_ROLE_ARN) must allow this service account: " +
    "compare issuer, subject and audience",
  ExpiredToken: "see why the kubelet does not renew the file that AWS_WEB_IDENTITY_TOKEN_FILE " +
    "names",
  InvalidIdentityToken: "see whether the cluster's OIDC provider is set up in IAM, and what is " +
    "in the file that AWS_WEB_IDENTITY_TOKEN_FILE names",
};

/** The credentials were not there when the time of an attempt was up. */
export function credentialsTooSlow(call: ApiCall, source: string | undefined): ApiError {
  const { code, sentence, retryable } = noCredentials(
    `the AWS credentials did not come in time${asked(source)}: see whether the pod can reach ` +
      "what they come from",
    true,
  );
  return new ApiError(sentence, { call, code, retryable, effect: "none" });
}

/** An error that the SDK gave before it sent the request. */
export function credentialsFault(error: CredentialsError, context: CredentialsContext): ApiError {
  const { call } = context;
  const { code, sentence, retryable } = explain(error, context);
  return new ApiError(sentence, { call, code, retryable, effect: "none" }, { cause: error });
}

interface Explanation {
  readonly code: string;
  readonly sentence: string;
  readonly retryable: boolean;
}

function explain(error: CredentialsError, context: CredentialsContext): Explanation {
  if (error instanceof NoAnswer) {
    return noCredentials(`STS gave no AWS credentials: ${error.message}`, true);
  }
  if (error instanceof UnexpectedReply) {
    const sentence = `STS gave no AWS credentials: ${error.message}: a proxy in between, or a ` +
      "wrong AWS_ENDPOINT_URL?";
    return noCredentials(sentence, true);
  }
  if (error instanceof Unsendable) return unsendable();
  if (error.$metadata?.httpStatusCode !== undefined) return answerOfSts(error, context);
  return fileFault(error) ?? sourceFault(error, context);
}

function noCredentials(sentence: string, retryable: boolean): Explanation {
  return { code: "NoCredentials", sentence, retryable };
}

/** A line break at the end of a secret's file is the usual cause. */
function unsendable(): Explanation {
  return noCredentials(
    "the AWS credentials hold a character that no HTTP header can: look for a line break in " +
      "AWS_ACCESS_KEY_ID, AWS_SESSION_TOKEN, and in the Kubernetes secret that they come from",
    false,
  );
}

function answerOfSts(error: CredentialsError, { code, retryable }: CredentialsContext) {
  const remedy = STS_REMEDIES[code];
  const verb = retryable ? "failed to give" : "refused to give";
  const sentence = `STS ${verb} AWS credentials (${code}: ${readable(error.message)})` +
    (remedy === undefined ? "" : `: ${remedy}`);
  return { code, sentence, retryable };
}

/** A token file, or one of the SDK's own. */
function fileFault(error: CredentialsError): Explanation | undefined {
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
        `the file ${path}, which AWS credentials are to come from, does not exist: see the ` +
          "volumes of the pod, and the variable that names it",
        false,
      );
    case "EACCES":
      return noCredentials(
        `the file ${path}, which AWS credentials are to come from, cannot be read: give the pod ` +
          "an fsGroup (securityContext) if it does not run as root",
        false,
      );
    default:
      return undefined;
  }
}

/** None of the sources gave any. */
function sourceFault(error: CredentialsError, { source }: CredentialsContext): Explanation {
  const { message } = error;
  // An empty AWS_REGION counts as one that is not accepted.
  if (message.startsWith("Region is missing") || message.startsWith("Region not accepted")) {
    return {
      code: "NoRegion",
      sentence: "no region is known: give -region, or set AWS_REGION, or give -target-group-arn",
      retryable: false,
    };
  }
  // Without HOME and without an entry in /etc/passwd there is no folder that ~ could stand for.
  if (message.includes('The "path" argument must be of type string')) {
    return noCredentials(
      "the user of this process has no home folder, where the SDK looks for its settings: set " +
        "HOME, to any folder",
      false,
    );
  }
  if (message.includes("Could not load credentials from any providers")) {
    return noCredentials(
      "no AWS credentials were found: give the pod a role (EKS Pod Identity or IRSA), or set " +
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; if AWS_PROFILE is set, see that profile" +
        asked(source),
      false,
    );
  }
  // The SDK then tries a second way that knows no such host, and tells of that failure alone.
  if (message.includes("is not a valid container metadata service hostname")) {
    return noCredentials(
      `no AWS credentials came from ${source}: see whether the agent runs on the node, and ` +
        "whether the service account has a pod identity association",
      true,
    );
  }
  return noCredentials(`the AWS credentials could not be fetched: ${readable(message)}`, true);
}

function asked(source: string | undefined): string {
  return source === undefined ? "" : `; the last source asked was ${source}`;
}
