/** Booleans, durations and integers in the syntax of Go's flag package. */
import { type Milliseconds, parseDuration } from "../host/duration.ts";
import { HIGHEST_PORT } from "../host/address.ts";
import { type Flag, type Parsed, single } from "./flag.ts";

/** The words of Go's `strconv.ParseBool`. */
const TRUE = ["1", "t", "T", "true", "TRUE", "True"];
const FALSE = ["0", "f", "F", "false", "FALSE", "False"];

export function boolean(absent: boolean, help: string): Flag<boolean> {
  return single(parseBoolean, absent, { word: "", default: String(absent), help });
}

function parseBoolean(text: string): Parsed<boolean> {
  if (TRUE.includes(text)) return { value: true };
  if (FALSE.includes(text)) return { value: false };
  return { error: "parse error: a boolean is true or false" };
}

/** A duration of more than zero. @param absent The default, in Go's syntax. */
export function timeout(absent: string, help: string): Flag<Milliseconds> {
  return duration(parseTimeout, absent, help);
}

/** A duration that is not limited, Infinity, unless it is given. */
export function unlimited(help: string): Flag<Milliseconds> {
  const parse = (text: string): Parsed<Milliseconds> => {
    const parsed = parseTime(text);
    return "value" in parsed && parsed.value === 0 ? { value: Infinity } : parsed;
  };
  return duration(parse, "0s", help);
}

/** A duration that may be zero. @param absent The default, in Go's syntax. */
export function time(absent: string, help: string): Flag<Milliseconds> {
  return duration(parseTime, absent, help);
}

function duration(
  parse: (text: string) => Parsed<Milliseconds>,
  absent: string,
  help: string,
): Flag<Milliseconds> {
  const parsed = parse(absent);
  if ("error" in parsed) throw new Error(`The default ${absent}: ${parsed.error}`);
  return single(parse, parsed.value, { word: "duration", default: absent, help });
}

function parseTimeout(text: string): Parsed<Milliseconds> {
  const parsed = parseTime(text);
  return "value" in parsed && parsed.value === 0
    ? { error: "it must be more than zero, as in 30s" }
    : parsed;
}

function parseTime(text: string): Parsed<Milliseconds> {
  const ns = parseDuration(text);
  if (ns !== undefined) {
    return ns < 0n ? { error: "it must not be negative" } : { value: Number(ns) / 1_000_000 };
  }
  const lacksUnit = /^[0-9]*[1-9][0-9]*$/.test(text);
  const remedy = lacksUnit
    ? `a duration needs a unit, as in ${text}s or ${text}m`
    : "a duration is a number with a unit, as in 300ms, 30s or 1h5m";
  return { error: `parse error: ${remedy}` };
}

/** `strconv.ParseInt` with base 0: underscores between digits, and a prefix sets the base. */
const INTEGER = /^[+-]?(?:0x(?:_?[0-9a-f])+|0b(?:_?[01])+|0o?(?:_?[0-7])+|0|[1-9](?:_?[0-9])*)$/i;

/** A port; 0 means none. */
export function port(help: string): Flag<number | undefined> {
  return single(parsePort, undefined, { word: "int", default: "", help });
}

function parsePort(text: string): Parsed<number | undefined> {
  const remedy = `a port is a number from 1 to ${HIGHEST_PORT}`;
  if (!INTEGER.test(text)) return { error: `parse error: ${remedy}` };
  const digits = text.toLowerCase().replace(/^\+/, "").replaceAll("_", "");
  // In Go a leading zero means octal, as 0o does.
  const port = Number(digits.replace(/^0(?=[0-7])/, "0o"));
  return port >= 0 && port <= HIGHEST_PORT
    ? { value: port === 0 ? undefined : port }
    : { error: `value out of range: ${remedy}` };
}
