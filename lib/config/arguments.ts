/** The command line in the syntax of Go's flag package (flag/flag.go, `parseOne`). */
import { parseArgs } from "@std/cli/parse-args";
import { flag, FLAG_NAMES, type FlagName, isFlagName } from "./flags.ts";
import { invalid, isBlank, parseValue } from "./kinds.ts";
import { quote } from "./go_quote.ts";

/** A command line that was read. */
export interface Arguments {
  /** The good values of each flag, in order; none where help is asked for. */
  readonly given: ReadonlyMap<FlagName, readonly string[]>;
  /** What is wrong, in the order of the command line: Go would have stopped at the first. */
  readonly faults: readonly string[];
  /** What Go leaves unread: all from the first operand on. */
  readonly operands: readonly string[];
  /** Help is asked for, and nothing before that is wrong. */
  readonly help: boolean;
}

/** Reads a command line, without the program's name. */
export function readArguments(args: readonly string[]): Arguments {
  const walk: Walk = { rest: [...args], tokens: [], faults: [], help: false };
  while (readOne(walk));
  const { faults, help, rest: operands } = walk;
  if (operands.length > 0) faults.push(operandFault(walk, args));
  return { given: help ? new Map() : collect(walk.tokens), faults, operands, help };
}

interface Walk {
  /** What is not read yet. */
  readonly rest: string[];
  /** What was read, each as `--name=value`: the one form in which Go and parseArgs agree. */
  readonly tokens: string[];
  readonly faults: string[];
  help: boolean;
}

/** One or two dashes, a name, perhaps a value; only the first `=` splits, and never in front. */
const FLAG = /^--?([^=-][^=]*)(?:=(.*))?$/s;

/** Reads one flag. Returns whether there may be more. */
function readOne(walk: Walk): boolean {
  const [first] = walk.rest;
  if (first === undefined || first === "-" || !first.startsWith("-")) return false;
  walk.rest.shift();
  if (first === "--") return false;
  const [, name, value] = FLAG.exec(first) ?? [];
  if (name === undefined) {
    walk.faults.push(`bad flag syntax: ${first}`);
  } else if (isFlagName(name)) {
    readFlag(walk, name, value);
  } else if (name !== "h" && name !== "help") {
    walk.faults.push(`flag provided but not defined: -${name}`);
    // What follows is most likely its value; as an operand it would hide all the other faults.
    if (value === undefined && walk.rest[0]?.startsWith("-") === false) walk.rest.shift();
  } else if (walk.faults.length === 0) {
    walk.help = true;
    walk.rest.length = 0;
  }
  return true;
}

function readFlag(walk: Walk, name: FlagName, attached: string | undefined): void {
  const { kind } = flag(name);
  // A boolean never takes the next argument; any other does, whatever that looks like.
  const value = attached ?? (kind === "boolean" ? "true" : walk.rest.shift());
  if (value === undefined) {
    walk.faults.push(`flag needs an argument: -${name}`);
    return;
  }
  const parsed = isBlank(flag(name), value) ? { value } : parseValue(flag(name), value);
  if ("fault" in parsed) {
    walk.faults.push(invalid(value, { kind, source: `flag -${name}` }, parsed.fault));
  } else {
    walk.tokens.push(`--${name}=${value}`);
  }
}

function collect(tokens: string[]): Map<FlagName, readonly string[]> {
  const names: string[] = [...FLAG_NAMES];
  const parsed: Readonly<Record<string, unknown>> = parseArgs(tokens, {
    string: names,
    collect: names,
  });
  return new Map(FLAG_NAMES.map((name) => [name, texts(parsed[name])]));
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

function operandFault({ rest, tokens }: Walk, args: readonly string[]): string {
  const before = args[args.length - rest.length - 1]?.replace(/^--?/, "");
  const followsBoolean = before !== undefined && isFlagName(before) &&
    flag(before).kind === "boolean" && tokens.at(-1) === `--${before}=true`;
  const remedy = followsBoolean
    ? `a boolean takes its value after =, as in -${before}=false`
    : "only flags are taken, and nothing from here on was read";
  return `unexpected argument ${quote(rest[0] ?? "")}: ${remedy}`;
}
