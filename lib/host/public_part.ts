/** What of a URL may be logged: user, path and query often contain secrets. */

/** An optional scheme, the host, an optional numeric port, and the rest. */
const PUBLIC_PART =
  /^(\s*(?:(?:https?|tcp):(?=[/\\]))?[/\\]*(?:\[[0-9a-f:.]*\]|[^:/\\?#\s@]*)(?::[0-9]*(?=[/\\?#]|$))?)(.*)$/is;

/**
 * The part of a URL, valid or not, that errors and logs may show: scheme, host and port. User, path
 * and query often contain secrets.
 */
export function publicPart(url: string): string {
  const [, start = "", rest = ""] = PUBLIC_PART.exec(url) ?? [];
  if (url.includes("@")) return `${/^(?:[a-z][a-z0-9+.-]*:\/\/)?/i.exec(url)?.[0]}…`;
  return rest === "" || rest === "/" ? url : `${start}…`;
}

/** Reduces the URLs in a text to their public parts. */
export function withoutSecrets(text: string): string {
  return text.replaceAll(/[a-z][a-z0-9+.-]*:\/\/[^\s'"]*/gi, publicPart);
}
