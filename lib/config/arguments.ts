/**
 * The command line in the syntax of Go's flag package (flag/flag.go, `parseOne`), in which the
 * manifests of the original program are written. `parseArgs` reads it, once it is spelled in the
 * GNU way: two dashes, and values joined by `=`, since Go and `parseArgs` differ in which flags
 * take the next argument.
 */
import { parseArgs } from "@std/cli/parse-args";
import { withoutSecrets } from "./addresses.ts";
import { flag, FLAG_NAMES, type FlagName, isFlagName } from "./flags.ts";
import { quote } from "./go_values.ts";

/** A command line that was read, without a look at most of the values. */
export interface Arguments {
  /** The texts that are given for each flag, in order. */
  readonly given: ReadonlyMap<FlagName, readonly string[]>;
  /** What is wrong with the syntax, in order. */
  readonly errors: readonly string[];
  /** What Go leaves unread: everything from the first operand on. */
  readonly operands: readonly string[];
  /** Whether help is requested, and nothing before that is wrong. */
  readonly help: boolean;
}

/** Reads a command line, without the program's name. */
export function readArguments(args: readonly string[]): Arguments {
  const { spelled, errors, operands, beforeHelp } = new Speller(args).spell();
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

/** Go checks values while it reads, but takes any string for a string. */
function isFineForGo({ given, errors }: Arguments): boolean {
  return errors.length === 0 && FLAG_NAMES.every((name) => {
    const { word, read } = flag(name);
    return word === "string" || read(given.get(name) ?? [], { shell: true }).errors.length === 0;
  });
}

/** One or two dashes, a name, perhaps a value; only the first `=` splits, and never in front. */
const FLAG = /^--?([^=-][^=]*)(=.*)?$/s;

/** Spells the flags of a command line in the way of GNU, and notes what is wrong with them. */
class Speller {
  readonly spelled: string[] = [];
  readonly errors: string[] = [];
  operands: readonly string[] = [];
  beforeHelp: readonly string[] | undefined;
  readonly #args: readonly string[];
  #at = 0;

  constructor(args: readonly string[]) {
    this.#args = args;
  }

  spell(): this {
    let last: FlagName | undefined;
    while (this.#at < this.#args.length) {
      const arg = this.#args[this.#at] ?? "";
      const isOperand = arg === "-" || !arg.startsWith("-");
      if (isOperand || arg === "--") {
        this.operands = this.#args.slice(isOperand ? this.#at : this.#at + 1);
        if (this.operands.length > 0) {
          this.errors.push(operandError(this.operands, isOperand && last));
        }
        break;
      }
      last = this.#flag(arg);
    }
    return this;
  }

  /** Takes one flag, and its value. Returns the name of a boolean that has no value attached. */
  #flag(arg: string): FlagName | undefined {
    const before = this.#args.slice(0, this.#at++);
    const [, name, value] = FLAG.exec(arg) ?? [];
    if (name === undefined) {
      // What follows the = may be a secret.
      this.errors.push(`bad flag syntax: ${printable(arg.replace(/=.+/s, "=…"))}`);
    } else if (!isFlagName(name)) {
      this.#unknown(name, value, before);
    } else if (value !== undefined) {
      this.spelled.push(`--${name}${value}`);
    } else if (flag(name).word === "") {
      // A boolean never takes the next argument; any other flag does, whatever that looks like.
      this.spelled.push(`--${name}=true`);
      return name;
    } else if (this.#at < this.#args.length) {
      this.spelled.push(`--${name}=${this.#args[this.#at++]}`);
    } else {
      this.errors.push(`flag needs an argument: -${name}`);
    }
    return undefined;
  }

  #unknown(name: string, value: string | undefined, before: readonly string[]): void {
    if (name === "h" || name === "help") {
      this.beforeHelp ??= before;
      return;
    }
    this.errors.push(`flag provided but not defined: -${printable(name)}${suggestion(name)}`);
    // What follows is most likely its value; as an operand it would hide all other errors.
    if (value === undefined && this.#args[this.#at]?.startsWith("-") === false) this.#at++;
  }
}

/** @param after The boolean without a value that the operand follows, if it does. */
function operandError(
  [operand = ""]: readonly string[],
  after: FlagName | undefined | false,
): string {
  const remedy = after
    ? `a boolean takes its value after =, as in -${after}=false`
    : "only flags are accepted, and everything from here on was ignored";
  return `unexpected argument ${quote(withoutSecrets(operand))}: ${remedy}`;
}

/** Go shows flags without quotes. */
function printable(flag: string): string {
  return /^[\x21-\x7e…]*$/.test(flag) ? flag : quote(flag);
}

function suggestion(name: string): string {
  const alike = FLAG_NAMES.filter((known) => isAlike(name.toLowerCase(), known));
  return alike.length === 0 || alike.length > 4
    ? ""
    : ` (did you mean ${alike.map((known) => `-${known}`).join(" or ")}?)`;
}

/** Whether one begins the other, or they differ in two neighbouring characters at most. */
function isAlike(given: string, known: string): boolean {
  const [one, other] = [given, known].map((name) => name.replaceAll(/[-_]/g, ""));
  if (one === undefined || other === undefined || one.length < 3) return false;
  if (other.startsWith(one) || one.startsWith(other)) return true;
  const [shorter = "", longer = ""] = one.length < other.length ? [one, other] : [other, one];
  let head = 0;
  while (head < shorter.length && shorter[head] === longer[head]) head++;
  let tail = 0;
  while (tail < shorter.length - head && shorter.at(-1 - tail) === longer.at(-1 - tail)) tail++;
  return longer.length - head - tail <= 2;
}
