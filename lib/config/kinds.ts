/** What the kinds of flags mean: from a text to a value. */
import {
  DurationSyntaxError,
  type Milliseconds,
  milliseconds,
  parseDuration,
} from "../host/duration.ts";
import type { Flag } from "./flag.ts";
import type { FlagValues } from "./flags.ts";
import { quote } from "./go_quote.ts";

/** A value, or why the text is none: the end of a sentence. */
export type Parsed<T> = { readonly value: T } | { readonly fault: string };

/** What a flag's value can be. */
export type FlagValue = FlagValues[keyof FlagValues];

/** Whether the text counts as not given. Go takes an empty boolean, duration or number for a fault. */
export function isBlank(flag: Flag, text: string): boolean {
  return text === "" && (flag.kind === "string" || flag.kind === "choice");
}

/** Where a value came from, as faults name it: `flag -x`, `environment variable X`. */
export interface Origin {
  readonly kind: Flag["kind"];
  readonly source: string;
}

/** The sentence about a value that is none, in Go's form. */
export function invalid(text: string, { kind, source }: Origin, fault: string): string {
  return kind === "boolean"
    ? `invalid boolean value ${quote(text)} for ${source.replace(/^flag /, "")}: ${fault}`
    : `invalid value ${quote(text)} for ${source}: ${fault}`;
}

/** Reads the text of a flag or of its variable; faults begin with Go's words where Go has some. */
export function parseValue(flag: Flag, text: string): Parsed<FlagValue> {
  switch (flag.kind) {
    case "string":
      return { value: text };
    case "choice":
      return parseChoice(text, flag.choices);
    case "boolean":
      return parseBoolean(text);
    case "duration":
      return parseTimeout(text, flag.mayBeZero ?? false);
    case "port":
      return parsePort(text);
  }
}

function parseChoice(text: string, choices: readonly string[]): Parsed<string> {
  return choices.includes(text)
    ? { value: text }
    : { fault: `it must be one of ${choices.join(", ")}` };
}

/** The words of Go's `strconv.ParseBool`. */
const TRUE = ["1", "t", "T", "true", "TRUE", "True"];
const FALSE = ["0", "f", "F", "false", "FALSE", "False"];

function parseBoolean(text: string): Parsed<boolean> {
  if (TRUE.includes(text)) return { value: true };
  if (FALSE.includes(text)) return { value: false };
  return { fault: "parse error: a boolean is true or false" };
}

function parseTimeout(text: string, mayBeZero: boolean): Parsed<Milliseconds> {
  try {
    const ns = parseDuration(text);
    if (ns < 0n) return { fault: "it must not be negative" };
    if (ns === 0n && !mayBeZero) return { fault: "it must be more than zero, as in 30s" };
    return { value: milliseconds(ns) };
  } catch (error) {
    if (!(error instanceof DurationSyntaxError)) throw error;
    const lacksUnit = /^[0-9]*[1-9][0-9]*$/.test(text);
    const remedy = lacksUnit
      ? `a duration needs a unit, as in ${text}s or ${text}m`
      : "a duration is numbers with units, as in 300ms, 30s or 1h5m";
    return { fault: `parse error: ${remedy}` };
  }
}

/** `strconv.ParseInt` with base 0: underscores between digits, and a prefix sets the base. */
const INTEGER = /^[+-]?(?:0x(?:_?[0-9a-f])+|0b(?:_?[01])+|0o?(?:_?[0-7])+|0|[1-9](?:_?[0-9])*)$/i;

const HIGHEST_PORT = 65_535;

function parsePort(text: string): Parsed<number> {
  const remedy = `a port is a number from 1 to ${HIGHEST_PORT}`;
  if (!INTEGER.test(text)) return { fault: `parse error: ${remedy}` };
  const digits = text.toLowerCase().replace(/^\+/, "").replaceAll("_", "");
  // In Go a leading zero means octal, as 0o does.
  const port = Number(digits.replace(/^0(?=[0-7])/, "0o"));
  return port >= 0 && port <= HIGHEST_PORT
    ? { value: port }
    : { fault: `value out of range: ${remedy}` };
}
