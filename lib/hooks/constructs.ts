/** What a POSIX shell takes for more than text, and what to do where there is no shell. */

/** What something means to a shell, and what to do instead. */
interface Meaning {
  readonly is: string;
  readonly instead: string;
}

const SHELL_IMAGE = "use an image that has /bin/sh";

function quotable(is: string, otherwise: string = SHELL_IMAGE): Meaning {
  return { is, instead: `quote it if it is meant as it stands, otherwise ${otherwise}` };
}

const TABLE = {
  "|": quotable("is a pipe"),
  "||": quotable("runs a second command if the first one fails"),
  "&": quotable("runs a command in the background"),
  "&&": quotable("runs a second command if the first one succeeds"),
  ";": quotable("separates two commands"),
  ";;": quotable("belongs to a case command"),
  "\n": {
    is: "separates two commands",
    instead: `end the line with a backslash if it continues, otherwise ${SHELL_IMAGE}`,
  },
  "(": quotable("begins a subshell"),
  ")": quotable("ends a subshell"),
  "<": quotable("redirects the input"),
  "<<": quotable("begins a here-document"),
  ">": quotable("redirects the output"),
  ">>": quotable("redirects the output"),
  "$NAME": quotable("is a variable", `write its value, or ${SHELL_IMAGE}`),
  "${": quotable("begins a variable", `write its value, or ${SHELL_IMAGE}`),
  "$(": quotable("begins a command substitution"),
  "`": quotable("begins a command substitution"),
  "$'": quotable("means different things to different shells", "leave the dollar out"),
  "*": quotable("is a file name pattern", "name the files"),
  "?": quotable("is a file name pattern", "name the files"),
  "[": quotable("is a file name pattern", "name the files"),
  "{": quotable("begins a brace expansion or a group", "write the words one by one"),
  "~": quotable("is a home directory", "write its path"),
  "#": quotable("begins a comment", "leave the comment out"),
  "NAME=": quotable("sets a variable", "set it in the container's environment"),
  "keyword": quotable("is a keyword of the shell"),
  "built-in": quotable("is a command that only shells have"),
} as const;

/** A construct that takes a shell. */
export type Construct = keyof typeof TABLE;

/** Says of a construct what it means to a shell, and what to do instead. */
export function meaningOf(construct: Construct): Meaning {
  return TABLE[construct];
}

/** Whether the text, unquoted, is a construct by itself: a character, or the same one twice. */
export function isConstruct(text: string): text is Construct {
  return text.length <= 2 && Object.hasOwn(TABLE, text);
}

/** POSIX.1-2017, XCU 2.4, with the words that it leaves free for shells to reserve. */
export const KEYWORDS: ReadonlySet<string> = new Set(
  "! { } case do done elif else esac fi for if in then until while [[ ]] function select".split(
    " ",
  ),
);

/**
 * POSIX.1-2017, XCU 2.14 (special built-ins), and those of 1.6 that act on the shell itself, so
 * that images have no program of the name.
 */
export const BUILT_IN: ReadonlySet<string> = new Set(
  (". : break continue eval exec exit export local readonly return set shift source times trap " +
    "unset alias bg cd command fg getopts hash jobs read type ulimit umask unalias wait").split(
      " ",
    ),
);
