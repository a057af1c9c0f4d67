/** Messages of others, made fit for a log. */

/** More than this of somebody else's message helps nobody. */
const LONGEST = 500;

/**
 * The first line of a message, without what it may quote of the request: the messages of
 * SignatureDoesNotMatch and IncompleteSignature repeat signed headers, session token included.
 */
export function readable(message: string): string {
  const firstLine = message.trim().split(/[\r\n]/, 1)[0] ?? "";
  return firstLine
    .replaceAll(QUOTED_HEADER, "$1=…")
    .replaceAll(JSON_WEB_TOKEN, "…")
    .replaceAll(TOKEN, "…")
    .slice(0, LONGEST)
    .replace(/[.\s]+$/, "");
}

const QUOTED_HEADER =
  /(Authorization|Credential|Signature|x-amz-[a-z0-9-]+)(?: header)?\s*[=:].*/gi;
const JSON_WEB_TOKEN = /\beyJ[\w-]+\.[\w.-]+/g;
/** No word that a person can read is so long; session tokens are longer. */
const TOKEN = /[\w+/=.-]{100,}/g;
