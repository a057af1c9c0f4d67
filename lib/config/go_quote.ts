/** Go's `%q`, in which its flag package shows values. */

const SHORT: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};

/** What is not printable by `strconv.IsPrint`: the only space that is, is the ASCII one. */
const UNPRINTABLE = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu;

/** Puts a text in double quotes as Go's `strconv.Quote` does: one line, nothing invisible in it. */
export function quote(text: string): string {
  return `"${text.replaceAll(/["\\]/g, "\\$&").replaceAll(UNPRINTABLE, escape)}"`;
}

function escape(character: string): string {
  const short = SHORT[character];
  if (short !== undefined) return short;
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code < 0x80) return "\\x" + hex.padStart(2, "0");
  return code < 0x10000 ? "\\u" + hex.padStart(4, "0") : "\\U" + hex.padStart(8, "0");
}
