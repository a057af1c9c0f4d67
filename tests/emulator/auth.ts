/**
 * Who makes a call. The signature's shape, key, scope and age are checked as AWS does; whether it
 * is the right signature is not computed.
 */
import { type AccessKey, type AccessKeys, INVALID_TOKEN, timestamp } from "./access_keys.ts";
import { AwsError } from "./errors.ts";
import type { HttpRequest } from "./http.ts";

/** What a call is held against. */
export interface AuthContext {
  readonly keys: AccessKeys;
  readonly region: string;
  /** The service's name in the credential scope. */
  readonly service: string;
  /** Milliseconds since the epoch, by the API's clock. */
  readonly now: number;
}

/** How far a client's clock may be off. */
const TOLERANCE = 5 * 60_000;

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/,\s]+)\/([^/,\s]+)\/([^/,\s]+)\/([^/,\s]+)\/aws4_request,\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]{64})$/;

/**
 * The access key that signed the request.
 * @throws {AwsError} Where the request is not signed, or not as it should be.
 */
export function authenticate({ headers }: HttpRequest, context: AuthContext): AccessKey {
  const header = headers["authorization"];
  if (header === undefined) {
    throw denied("MissingAuthenticationToken", "Request is missing Authentication Token");
  }
  const [, id, date, region, service, signedHeaders = ""] = AUTHORIZATION.exec(header) ?? [];
  if (id === undefined) {
    throw incomplete("Authorization header requires 'Credential', 'SignedHeaders', 'Signature'");
  }
  const signed = signedHeaders.split(";");
  if (!signed.includes("host") || !signed.includes("x-amz-date")) {
    throw mismatch("'Host' and 'X-Amz-Date' must be signed headers");
  }
  const key = context.keys.find(id);
  if (key === undefined || key.sessionToken !== headers["x-amz-security-token"]) {
    throw denied("InvalidClientTokenId", INVALID_TOKEN);
  }
  if (key.expires !== undefined && key.expires <= context.now) throw expiredToken();
  if (service !== context.service) {
    throw mismatch(`Credential should be scoped to correct service: '${context.service}'.`);
  }
  if (region !== context.region) {
    throw mismatch(`Credential should be scoped to a valid region, not '${region}'.`);
  }
  expectTime(headers["x-amz-date"] ?? "", date, context.now);
  return key;
}

/** A temporary key is used after its time. */
export function expiredToken(): AwsError {
  return denied("ExpiredToken", "The security token included in the request is expired");
}

function expectTime(sent: string, date: string | undefined, now: number): void {
  const time = Date.parse(
    sent.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"),
  );
  if (Number.isNaN(time)) throw incomplete(`Date '${sent}' is not valid`);
  if (date !== sent.slice(0, 8)) {
    throw mismatch(`Date in Credential scope does not match X-Amz-Date: ${date}, ${sent}`);
  }
  const off = time - now;
  if (Math.abs(off) <= TOLERANCE) return;
  const [what, side, sign] = off < 0
    ? ["Signature expired", "now earlier", "-"]
    : ["Signature not yet current", "still later", "+"];
  const bound = compact(now + Math.sign(off) * TOLERANCE);
  throw mismatch(`${what}: ${sent} is ${side} than ${bound} (${compact(now)} ${sign} 5 min.)`);
}

function compact(time: number): string {
  return timestamp(time).replaceAll(/[-:]/g, "");
}

function denied(code: string, message: string): AwsError {
  return new AwsError(code, 403, message);
}

function mismatch(message: string): AwsError {
  return denied("SignatureDoesNotMatch", message);
}

function incomplete(message: string): AwsError {
  return new AwsError("IncompleteSignature", 400, message);
}
