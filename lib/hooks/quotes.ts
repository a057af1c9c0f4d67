/** Finds quotes that were never closed, in commands meant for a real shell too. */

/**
 * Whether a quote in the command is never closed, for certain. It errs on the side of `false`:
 * commands with here-documents, `((`, `$'…'`, or quotes inside backquotes or `${…}` are left for
 * the shell to judge, since telling takes a whole shell grammar, and shells differ. Comments,
 * backslashes and quotes inside `$(…)` are understood.
 */
export function unterminatedQuote(command: string): boolean {
  return scanPlain(command, 0, false) === "open";
}

/** Where a construct ends; or that it never does; or that nobody here can say. */
type End = number | "open" | "unsure";

/** Scans from `at` to the end of the text, or past the `)` that closes a `$(` inside quotes. */
function scanPlain(text: string, at: number, inSubstitution: boolean): End {
  // The `)` of a case pattern closes nothing, and looks as if it did.
  if (inSubstitution && text.includes("case", at)) return "unsure";
  let depth = 0;
  let startsWord = true;
  for (let end = at; end < text.length;) {
    const char = text.charAt(end);
    const next = following(text, end);
    if ((char === "<" || char === "(") && next === char) return "unsure";
    if (char === ")" && inSubstitution && depth === 0) return end + 1;
    if (char === "(") depth++;
    if (char === ")") depth--;
    const isComment: boolean = char === "#" && startsWord;
    const isContinuation = char === "\\" && text[end + 1] === "\n";
    if (!isContinuation) startsWord = isComment || " \t\n;&|()<>".includes(char);
    const past: End = isComment ? endOfLine(text, end) : scanOne(text, end);
    if (typeof past === "string") return past;
    end = past;
  }
  return text.length;
}

/** Scans the character, or the quoted or substituted text, that begins at `at`. */
function scanOne(text: string, at: number): End {
  switch (text[at]) {
    case "\\":
      return at + 2;
    case "'": {
      const close = text.indexOf("'", at + 1);
      return close < 0 ? "open" : close + 1;
    }
    case '"':
      return scanDouble(text, at);
    case "`":
      return scanMatch(text, at, /`[^'"`\\]*`/y);
    case "$":
      // Bash reads C escapes in $'…', dash a dollar and a quoted text.
      return following(text, at) === "'" ? "unsure" : scanDollar(text, at);
    default:
      return at + 1;
  }
}

function scanDouble(text: string, at: number): End {
  for (let end = at + 1; end < text.length;) {
    const char = text[end];
    if (char === '"') return end + 1;
    const past: End = char === "'"
      ? end + 1
      : char === "$"
      ? scanQuotedDollar(text, end)
      : scanOne(text, end);
    if (typeof past === "string") return past;
    end = past;
  }
  return "open";
}

function scanQuotedDollar(text: string, at: number): End {
  if (following(text, at) !== "(") return scanDollar(text, at);
  const inner = text.indexOf("(", at) + 1;
  return following(text, inner - 1) === "(" ? "unsure" : scanPlain(text, inner, true);
}

/** Outside quotes a `$(` needs no care: the quotes in it count the same with and without it. */
function scanDollar(text: string, at: number): End {
  switch (following(text, at)) {
    case "{":
      return scanMatch(text, at, /\$\{[^'"`$\\{}]*\}/y);
    case "$":
      // The shell's process id; a bracket after it begins nothing.
      return text.indexOf("$", at + 1) + 1;
    default:
      return at + 1;
  }
}

function scanMatch(text: string, at: number, pattern: RegExp): End {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : "unsure";
}

/** The character after the one at `at`: a shell drops backslash-newline before it looks. */
function following(text: string, at: number): string {
  let next = at + 1;
  while (text.startsWith("\\\n", next)) next += 2;
  return text.charAt(next);
}

function endOfLine(text: string, at: number): number {
  const newline = text.indexOf("\n", at);
  return newline < 0 ? text.length : newline;
}
