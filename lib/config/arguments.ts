/**
 * The command line in the syntax of Go's flag package (flag/flag.go, `parseOne`), which manifests
 * of the original program use. It is respelled in the GNU way for `parseArgs`: with two dashes, and
 * with values joined by `=`, because Go and `parseArgs` differ in which flags take the next argument.
 */
import { parseArgs } from "@std/cli/parse-args";
import { quoted } from "../host/log.ts";
import { withoutSecrets } from "../host/public_part.ts";
import { flag, FLAG_NAMES, type FlagName, isFlagName } from "./flags.ts";

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
  const spelled: string[] = [];
  const errors: string[] = [];
  let beforeHelp: readonly string[] | undefined;
  let last: Spelling = {};
  let at = 0;
  for (; /^-(?!-$)./s.test(args[at] ?? ""); at++) {
    last = spell(args[at] ?? "", args[at + 1]);
    if (last.spelled !== undefined) spelled.push(last.spelled);
    if (last.error !== undefined) errors.push(last.error);
    if (last.isHelp) beforeHelp ??= args.slice(0, at);
    if (last.takesNext) at++;
  }
  const operands = args.slice(args[at] === "--" ? at + 1 : at);
  const [operand] = operands;
  if (operand !== undefined) {
    errors.push(operandError(operand, args[at] === "--" ? undefined : last.boolean));
  }
  const names: string[] = [...FLAG_NAMES];
  const parsed: Readonly<Record<string, unknown>> = parseArgs(spelled, {
    string: names,
    collect: names,
  });
  const given = new Map(FLAG_NAMES.map((name) => [name, texts(parsed[name])]));
  const help = beforeHelp !== undefined && isFineForGo(readArguments(beforeHelp));
  return { given, errors, operands, help };
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

/** Whether Go would accept it: it checks values while it reads, but accepts any string. */
function isFineForGo({ given, errors }: Arguments): boolean {
  return errors.length === 0 && FLAG_NAMES.every((name) => {
    const { word, read } = flag(name);
    return word === "string" || read(given.get(name) ?? [], {}).errors.length === 0;
  });
}

/** One flag, respelled, or its error. */
interface Spelling {
  readonly spelled?: string;
  readonly error?: string;
  readonly takesNext?: boolean;
  readonly isHelp?: true;
  /** The name of a boolean flag without a value. */
  readonly boolean?: FlagName;
}

/** One or two dashes, a name, and perhaps a value after the first `=`. */
const FLAG = /^--?([^=-][^=]*)(=.*)?$/s;

function spell(arg: string, next: string | undefined): Spelling {
  const [, name, value] = FLAG.exec(arg) ?? [];
  // The value may be a secret.
  if (name === undefined) {
    return { error: `bad flag syntax: ${printable(arg.replace(/=.+/s, "=…"))}` };
  }
  if (name === "h" || name === "help") return { isHelp: true };
  if (!isFlagName(name)) {
    // The next argument is probably its value; as an operand it would hide all other errors.
    const takesNext = value === undefined && next?.startsWith("-") === false;
    const error = `flag provided but not defined: -${printable(name)}${suggestion(name)}`;
    return { error, takesNext };
  }
  if (value !== undefined) return { spelled: `--${name}${value}` };
  // A boolean never takes the next argument; any other flag always does.
  if (flag(name).word === "") return { spelled: `--${name}=true`, boolean: name };
  return next === undefined
    ? { error: `flag needs an argument: -${name}` }
    : { spelled: `--${name}=${next}`, takesNext: true };
}

/** @param after The boolean flag without a value just before the operand, if any. */
function operandError(operand: string, after: FlagName | undefined): string {
  const remedy = after !== undefined
    ? `a boolean takes its value after =, as in -${after}=false`
    : "only flags are accepted, and everything from here on was ignored";
  return `unexpected argument ${quoted(withoutSecrets(operand))}: ${remedy}`;
}

/** Quotes only what needs it: Go shows flags without quotes. */
function printable(flag: string): string {
  return /^[\x21-\x7e…]*$/.test(flag) ? flag : quoted(flag);
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
