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
 * Why the shell cannot parse a command, in its own words: a quote that is never closed, an `if`
 * without `then`. It runs nothing (`-n`). Undefined where it can, or where there is no shell to try.
 */
export function syntaxError(command: string): string | undefined {
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

/** The words of a command, at least one, or why it cannot be split into words alone. */
export type SplitResult =
  | { readonly kind: "words"; readonly words: string[] }
  /** `reason` is the end of a message: what is in the way, where, and what to do about it. */
  | { readonly kind: "error"; readonly reason: string };

/** Splits a command into words: quotes and backslashes, and no expansion of any kind. */
export function splitWords(command: string): SplitResult {
  try {
    return { kind: "words", words: new Splitter(command).split() };
  } catch (error) {
    if (error instanceof SplitError) return { kind: "error", reason: error.message };
    throw error;
  }
}

/**
 * First words that a shell takes for its own: those of POSIX.1-2017, XCU 2.4, with the words that it
 * leaves free for shells to reserve; those of 2.14 (special built-ins), and those of 1.6 that act on
 * the shell itself, so that images have no program of the name.
 */
const SHELLS_OWN: ReadonlySet<string> = new Set(
  ("! { } case do done elif else esac fi for if in then until while [[ ]] function select " +
    ". : break continue eval exec exit export local readonly return set shift source times trap " +
    "unset alias bg cd command fg getopts hash jobs read type ulimit umask unalias wait")
    .split(" "),
);

/** Characters that mean more to a shell, unquoted. A dollar may: see `#refuseExpansion`. */
const SPECIAL = "|&;()<>`*?[{~#";

const OTHER_IMAGE = "otherwise use an image that has /bin/sh";

class SplitError extends Error {
  override readonly name = "SplitError";
}

const WHOLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*\+?$/;

class Splitter {
  readonly #command: string;
  readonly #words: string[] = [];
  #at = 0;

  constructor(command: string) {
    this.#command = command;
  }

  split(): string[] {
    while (this.#skipBlanks()) this.#words.push(this.#word());
    if (this.#words.length > 0) return this.#words;
    throw new SplitError("it has no words: leave the flag out where nothing is to be run");
  }

  /** The next character, after the line continuations before it; empty at the end. */
  #char(): string {
    while (this.#command.startsWith("\\\n", this.#at)) this.#at += 2;
    return this.#command.charAt(this.#at);
  }

  /** Goes to the next word; `false` where there is none. */
  #skipBlanks(): boolean {
    let lineBreak: number | undefined;
    for (; this.#char() !== "" && " \t\n".includes(this.#char()); this.#at++) {
      if (this.#char() === "\n") lineBreak ??= this.#at;
    }
    if (this.#char() === "") return false;
    // Line breaks at either end are what YAML's block scalars leave; between words they are `;`.
    if (lineBreak !== undefined && this.#words.length > 0) {
      throw new SplitError(
        `the line break at character ${
          lineBreak + 1
        } separates two commands: end the line with a ` +
          `backslash if it continues, ${OTHER_IMAGE}`,
      );
    }
    return true;
  }

  #word(): string {
    const start = this.#at;
    let word = "";
    let bare = true;
    for (; this.#char() !== "" && !" \t\n".includes(this.#char()); this.#at++) {
      const at = this.#at;
      if (`'"\\`.includes(this.#char())) {
        bare = false;
        word += this.#quoted();
      } else {
        this.#refuseSpecial(at === start);
        if (this.#char() === "=" && bare && this.#isCommand() && WHOLE_NAME.test(word)) {
          const place = `"${word}=" at character ${start + 1}`;
          throw new SplitError(`${place} sets a variable: set it in the container's environment`);
        }
        word += this.#command.charAt(at);
      }
    }
    if (bare && this.#isCommand() && SHELLS_OWN.has(word)) this.#refuse(start, word);
    return word;
  }

  #isCommand(): boolean {
    return this.#words.length === 0;
  }

  /** What the quote or backslash here quotes; leaves the position on its last character. */
  #quoted(): string {
    switch (this.#char()) {
      case "'":
        return this.#singleQuoted();
      case '"':
        return this.#doubleQuoted();
      default:
        this.#at++;
        if (this.#at < this.#command.length) return this.#command.charAt(this.#at);
        throw new SplitError("it ends with a backslash, which quotes nothing: leave it out");
    }
  }

  #singleQuoted(): string {
    const open = this.#at;
    const close = this.#command.indexOf("'", open + 1);
    if (close < 0) throw this.#unterminated(open);
    this.#at = close;
    return this.#command.slice(open + 1, close);
  }

  #doubleQuoted(): string {
    const open = this.#at++;
    let text = "";
    for (; this.#char() !== '"'; this.#at++) {
      if (this.#char() === "") throw this.#unterminated(open);
      if (this.#char() === "$") this.#refuseExpansion(true);
      if (this.#char() === "`") this.#refuse(this.#at, "`");
      const escaped = this.#char() === "\\" ? this.#command.charAt(this.#at + 1) : "";
      if (escaped !== "" && '$`"\\'.includes(escaped)) this.#at++;
      text += this.#command.charAt(this.#at);
    }
    return text;
  }

  /** Refuses the unquoted character here, if a shell would not take it as it is. */
  #refuseSpecial(startsWord: boolean): void {
    const char = this.#char();
    if (char === "$") this.#refuseExpansion(false);
    if (char === "{" && this.#following() === "}") return;
    if ("~#".includes(char) && !startsWord) return;
    if (SPECIAL.includes(char)) this.#refuse(this.#at, char);
  }

  /** Refuses the `$` here, unless it is one that stands for itself. */
  #refuseExpansion(isQuoted: boolean): void {
    const next = this.#following();
    const name = /^\$[A-Za-z_][A-Za-z0-9_]*/.exec(this.#command.slice(this.#at))?.[0];
    // Bash has meanings of its own for brackets and quotes, dash has not.
    const isSpecial = /[A-Za-z0-9_@*#?$!({[-]/.test(next) || (!isQuoted && /['"]/.test(next));
    if (isSpecial) this.#refuse(this.#at, name ?? `$${next}`);
  }

  #refuse(at: number, shown: string): never {
    const meaning = "means more to a shell: quote it if it is meant as it stands";
    throw new SplitError(`"${shown}" at character ${at + 1} ${meaning}, ${OTHER_IMAGE}`);
  }

  #unterminated(at: number): SplitError {
    const which = this.#command.charAt(at) === "'" ? "single" : "double";
    return new SplitError(`the ${which} quote at character ${at + 1} is never closed: close it`);
  }

  #following(): string {
    let next = this.#at + 1;
    while (this.#command.startsWith("\\\n", next)) next += 2;
    return this.#command.charAt(next);
  }
}
