/** From command line, environment and defaults to the value of every flag. */
import type { Arguments } from "./arguments.ts";
import type { Flag } from "./flag.ts";
import { environmentName, flag, FLAG_NAMES, type FlagName, type FlagValues } from "./flags.ts";
import { type FlagValue, invalid, isBlank, type Parsed, parseValue } from "./kinds.ts";

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string>>;

/** The value of every flag, and where it came from. */
export interface Settings {
  readonly values: FlagValues;
  /** What was given, as faults name it: `flag -x`, `environment variable X`. */
  readonly sources: ReadonlyMap<FlagName, string>;
  readonly faults: readonly string[];
  /** All from the first operand on: it was not read. */
  readonly operands: readonly string[];
}

/** All flags: the command line wins over the environment, and both over the defaults. */
export function readSettings(read: Arguments, env: Environment): Settings {
  const { given, operands } = read;
  const faults = [...read.faults];
  const sources = new Map<FlagName, string>();
  const values: Partial<Record<FlagName, FlagValue>> = {};
  for (const name of FLAG_NAMES) {
    values[name] = defaultOf(flag(name));
    const found = fromCommandLine(name, given.get(name) ?? []) ?? fromEnvironment(name, env);
    if (found === undefined) continue;
    sources.set(name, found.source);
    const parsed = valueOf(flag(name), found);
    if ("fault" in parsed) faults.push(parsed.fault);
    else values[name] = parsed.value;
  }
  // Each flag has a value of its kind now, which is what the table's mapped type says.
  return { values: values as FlagValues, sources, faults, operands };
}

interface Found {
  readonly texts: readonly string[];
  readonly source: string;
}

function fromCommandLine(name: FlagName, texts: readonly string[]): Found | undefined {
  const one = flag(name);
  const counted = isList(one) ? texts : texts.slice(-1);
  return found(counted.filter((text) => !isBlank(one, text)), `flag -${name}`);
}

function fromEnvironment(name: FlagName, env: Environment): Found | undefined {
  const one = flag(name);
  for (const variable of variablesOf(name)) {
    const value = env[variable] ?? "";
    const texts = isList(one) ? value.split(",").map((text) => text.trim()) : [value];
    const something = found(
      texts.filter((text) => text !== ""),
      `environment variable ${variable}`,
    );
    if (something !== undefined) return something;
  }
  return undefined;
}

function found(texts: readonly string[], source: string): Found | undefined {
  return texts.length > 0 ? { texts, source } : undefined;
}

/** The variables that a flag is read from, the first one that is set winning. */
export function variablesOf(name: FlagName): readonly string[] {
  const one = flag(name);
  const own = one.inEnvironment === false ? [] : [environmentName(name)];
  return one.kind === "string" && one.fallback !== undefined ? [...own, one.fallback] : own;
}

function isList(one: Flag): boolean {
  return one.kind === "string" && one.list === true;
}

function valueOf(one: Flag, { texts, source }: Found): Parsed<FlagValue> {
  if (isList(one)) return { value: texts };
  const [text = ""] = texts;
  const parsed = parseValue(one, text);
  if ("value" in parsed) return parsed;
  return { fault: invalid(text, { kind: one.kind, source }, parsed.fault) };
}

function defaultOf(one: Flag): FlagValue {
  if (isList(one)) return [];
  if (one.default === undefined) return undefined;
  const parsed = parseValue(one, String(one.default));
  if ("fault" in parsed) throw new Error(`The table's default ${one.default}: ${parsed.fault}`);
  return parsed.value;
}
