/** Makes texts from outside fit for a log: short, one line, without secrets of the request. */

/** More of a message than this helps nobody. */
const LONGEST = 500;
/** Bounds the input: the patterns below take quadratic time. */
const LONGEST_INPUT = 4 * LONGEST;
/** Longer than any error code of AWS. */
const LONGEST_CODE = 64;

/**
 * The first line of a message, without what it may quote of the request: the messages of
 * SignatureDoesNotMatch and IncompleteSignature repeat signed headers, session token included.
 */
export function readable(message: string): string {
  return firstLineOf(message)
    .replaceAll(QUOTED_HEADER, "$1=…")
    .replaceAll(JSON_WEB_TOKEN, "…")
    .replaceAll(TOKEN, "…")
    .slice(0, LONGEST)
    .replace(/[.\s]+$/, "");
}

/** Drops a word that the limit cuts: the start of a secret would not match the patterns. */
function firstLineOf(message: string): string {
  const start = message.trimStart().slice(0, LONGEST_INPUT);
  const line = start.split(/[\r\n]/, 1)[0] ?? "";
  return line.length < LONGEST_INPUT ? line : line.slice(0, line.lastIndexOf(" ") + 1);
}

/** An error code or a request's id: one short word. */
export function word(text: string): string {
  return text.slice(0, LONGEST_CODE).replaceAll(/[^\w.:/-]/g, "") || "Unknown";
}

const QUOTED_HEADER =
  /(Authorization|Credential|Signature|x-amz-[a-z0-9-]+)(?: header)?\s*[=:].*/gi;
const JSON_WEB_TOKEN = /\beyJ[\w-]+\.[\w.-]+/g;
/** Session tokens are longer than this, readable words are not. */
const TOKEN = /[\w+/=.-]{100,}/g;

/** The parts of a request that may hold secrets. */
interface SignedRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** Removes the request's secrets from a reply: AWS's errors repeat headers and parameters. */
export function withoutSecretsOf(request: SignedRequest, reply: string): string {
  return secretsOf(request).reduce((text, secret) => text.replaceAll(secret, "…"), reply);
}

function secretsOf({ headers, body }: SignedRequest): string[] {
  const form = new URLSearchParams(typeof body === "string" ? body : "");
  const secrets = [
    headers["x-amz-security-token"],
    /Signature=(\w+)/.exec(headers["authorization"] ?? "")?.[1],
    form.get("WebIdentityToken")?.trim(),
  ];
  return secrets.flatMap((secret) => secret ? [secret, encodeURIComponent(secret)] : []);
}
