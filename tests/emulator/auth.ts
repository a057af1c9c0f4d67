/**
 * Who makes a call. The signature's shape, key, scope and age are looked at as AWS does; whether
 * it is the right signature is not computed.
 */
import type { AccessKey, AccessKeys } from "./access_keys.ts";
import { timestamp } from "./access_keys.ts";
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
export function authenticate(request: HttpRequest, context: AuthContext): AccessKey {
  const header = request.headers["authorization"];
  if (header === undefined) {
    throw denied("MissingAuthenticationToken", "Request is missing Authentication Token");
  }
  const [, id, date, region, service, signedHeaders] = AUTHORIZATION.exec(header) ?? [];
  if (id === undefined) {
    throw new AwsError(
      "IncompleteSignature",
      400,
      "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters",
    );
  }
  const signed = signedHeaders?.split(";") ?? [];
  if (!signed.includes("host") || !signed.includes("x-amz-date")) {
    throw denied("SignatureDoesNotMatch", "'Host' and 'X-Amz-Date' must be signed headers");
  }
  const key = keyOf(id, request.headers["x-amz-security-token"], context);
  expectScope({ date, region, service }, request.headers["x-amz-date"] ?? "", context);
  return key;
}

function keyOf(id: string, sessionToken: string | undefined, context: AuthContext): AccessKey {
  const key = context.keys.find(id);
  if (key === undefined || key.sessionToken !== sessionToken) {
    throw denied(
      "InvalidClientTokenId",
      "The security token included in the request is invalid.",
    );
  }
  const refusal = context.keys.refusal(key);
  if (refusal !== undefined) throw refusal;
  if (key.expires !== undefined && key.expires <= context.now) throw expiredToken();
  return key;
}

/** A temporary key is used after its time. */
export function expiredToken(): AwsError {
  return denied("ExpiredToken", "The security token included in the request is expired");
}

interface Scope {
  readonly date: string | undefined;
  readonly region: string | undefined;
  readonly service: string | undefined;
}

function expectScope({ date, region, service }: Scope, sent: string, context: AuthContext): void {
  const mismatch = (message: string) => denied("SignatureDoesNotMatch", message);
  if (service !== context.service) {
    throw mismatch(`Credential should be scoped to correct service: '${context.service}'.`);
  }
  if (region !== context.region) {
    throw mismatch(`Credential should be scoped to a valid region, not '${region}'.`);
  }
  const time = fromCompact(sent);
  if (Number.isNaN(time)) {
    throw new AwsError("IncompleteSignature", 400, `Date '${sent}' is not valid`);
  }
  if (date !== sent.slice(0, 8)) {
    throw mismatch(`Date in Credential scope does not match X-Amz-Date: ${date}, ${sent}`);
  }
  if (time < context.now - TOLERANCE) {
    const earliest = compact(context.now - TOLERANCE);
    throw mismatch(
      `Signature expired: ${sent} is now earlier than ${earliest} ` +
        `(${compact(context.now)} - 5 min.)`,
    );
  }
  if (time > context.now + TOLERANCE) {
    const latest = compact(context.now + TOLERANCE);
    throw mismatch(
      `Signature not yet current: ${sent} is still later than ${latest} ` +
        `(${compact(context.now)} + 5 min.)`,
    );
  }
}

function fromCompact(text: string): number {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (parts === null) return NaN;
  const [, year, month, day, hour, minute, second] = parts;
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

function compact(time: number): string {
  return timestamp(time).replaceAll(/[-:]/g, "");
}

function denied(code: string, message: string): AwsError {
  return new AwsError(code, 403, message);
}
