/**
 * The command line in the syntax of Go's flag package (flag/flag.go, `parseOne`), which manifests
 * of the original program use. Own code: Go and `@std/cli` differ in which flags take the next
 * argument, and in what one dash means.
 */
import { withoutSecrets } from "../host/public_part.ts";
import { flag, FLAG_NAMES, type FlagName, isFlagName } from "./flags.ts";
import { quote } from "./go_values.ts";

/** A command line whose syntax is read, but not its values. */
export interface Arguments {
  /** The texts given for each flag, in order. */
  readonly given: ReadonlyMap<FlagName, readonly string[]>;
  /** Syntax errors, in order. */
  readonly errors: readonly string[];
  /** The first operand and everything after it, which Go does not read. */
  readonly operands: readonly string[];
  /** Whether help is requested, with no error before the request. */
  readonly help: boolean;
}

/** Reads a command line without the program's name. */
export function readArguments(args: readonly string[]): Arguments {
  const given = new Map<FlagName, string[]>();
  const errors: string[] = [];
  let beforeHelp: readonly string[] | undefined;
  let bare: FlagName | undefined;
  let at = 0;
  for (; /^-(?!-$)./s.test(args[at] ?? ""); at++) {
    const read = readFlag(args[at] ?? "", args[at + 1]);
    if (read.kind === "help") beforeHelp ??= args.slice(0, at);
    if (read.kind === "error") errors.push(read.error);
    if (read.kind === "value") given.set(read.name, [...given.get(read.name) ?? [], read.text]);
    bare = read.kind === "value" && read.isBare ? read.name : undefined;
    if ("takesNext" in read && read.takesNext) at++;
  }
  const operands = args.slice(args[at] === "--" ? at + 1 : at);
  const [operand] = operands;
  if (operand !== undefined) {
    errors.push(operandError(operand, args[at] === "--" ? undefined : bare));
  }
  const help = beforeHelp !== undefined && isFineForGo(readArguments(beforeHelp));
  return { given, errors, operands, help };
}

/** Whether Go would accept it: it checks values while it reads, but accepts any string. */
function isFineForGo({ given, errors }: Arguments): boolean {
  return errors.length === 0 && FLAG_NAMES.every((name) => {
    const { word, read } = flag(name);
    return word === "string" || read(given.get(name) ?? [], {}).errors.length === 0;
  });
}

/** What one flag says. */
type ReadFlag =
  | {
    readonly kind: "value";
    readonly name: FlagName;
    readonly text: string;
    readonly takesNext?: boolean;
    /** A boolean without a value. */
    readonly isBare?: boolean;
  }
  | { readonly kind: "help" }
  | { readonly kind: "error"; readonly error: string; readonly takesNext?: boolean };

/** One or two dashes, a name, and perhaps a value after the first `=`. */
const FLAG = /^--?([^=-][^=]*)(?:=(.*))?$/s;

function readFlag(arg: string, next: string | undefined): ReadFlag {
  const [, name, value] = FLAG.exec(arg) ?? [];
  // The value may be a secret.
  if (name === undefined) {
    const shown = printable(arg.replace(/=.+/s, "=…"));
    return { kind: "error", error: `bad flag syntax: ${shown}` };
  }
  if (name === "h" || name === "help") return { kind: "help" };
  if (!isFlagName(name)) {
    // The next argument is probably its value; as an operand it would hide all other errors.
    const takesNext = value === undefined && next?.startsWith("-") === false;
    const error = `flag provided but not defined: -${printable(name)}${suggestion(name)}`;
    return { kind: "error", error, takesNext };
  }
  if (value !== undefined) return { kind: "value", name, text: value };
  // A boolean never takes the next argument; any other flag always does.
  if (flag(name).word === "") return { kind: "value", name, text: "true", isBare: true };
  return next === undefined
    ? { kind: "error", error: `flag needs an argument: -${name}` }
    : { kind: "value", name, text: next, takesNext: true };
}

/** @param after The boolean flag without a value just before the operand, if any. */
function operandError(operand: string, after: FlagName | undefined): string {
  const remedy = after !== undefined
    ? `a boolean takes its value after =, as in -${after}=false`
    : "only flags are accepted, and everything from here on was ignored";
  return `unexpected argument ${quote(withoutSecrets(operand))}: ${remedy}`;
}

/** Quotes only what needs it: Go shows flags without quotes. */
function printable(flag: string): string {
  return /^[\x21-\x7e…]*$/.test(flag) ? flag : quote(flag);
}

/** Suggests the flags of which one name begins the other. */
function suggestion(name: string): string {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[-_]/g, "");
  const given = plain(name);
  const alike = FLAG_NAMES.filter((known) =>
    given.length > 2 && (plain(known).startsWith(given) || given.startsWith(plain(known)))
  );
  return alike.length === 0 || alike.length > 4
    ? ""
    : ` (did you mean ${alike.map((known) => `-${known}`).join(" or ")}?)`;
}
