/** The usage text: flags in the layout of Go's `PrintDefaults` (flag/flag.go), and what goes with them. */
import { EXIT, EXIT_DESCRIPTIONS } from "../host/exit.ts";
import type { Flag } from "./flag.ts";
import { environmentName, flag, FLAG_NAMES, type FlagName } from "./flags.ts";
import { quote } from "./go_quote.ts";

/** The text that `-h` prints, without a line break at its end. */
export function usage(): string {
  return `Usage of k8s-nlb-registrator-sidecar:
${FLAG_NAMES.map((name) => describeFlag(name, flag(name))).join("\n")}

Environment variables:
  A flag that is not given is read from a variable of its name in upper case with _ for -, as in
  ${environmentName("log-level")}=debug; commas separate the values of a flag that may be repeated.
  An empty value counts as not given.
${FLAG_NAMES.flatMap(describeFallback).join("\n")}

Exit codes:
${exitCodes()}`;
}

/** The words that Go's package shows for its types. */
const TYPE_WORDS: Readonly<Record<Flag["kind"], string>> = {
  string: " string",
  choice: " string",
  boolean: "",
  duration: " duration",
  port: " int",
};

/**
 * A flag as Go prints it. The four spaces before the tab are Go's choice: they line up with tab
 * stops of 4 and of 8.
 */
export function describeFlag(name: string, one: Flag): string {
  const repeated = one.kind === "string" && one.list === true ? " (may be repeated)" : "";
  return `  -${name}${TYPE_WORDS[one.kind]}
    	${one.help}${repeated}${describeDefault(one)}`;
}

/** A type's zero value is not shown. */
function describeDefault(one: Flag): string {
  if (one.kind === "string" && one.fallback !== undefined) return ` (default $${one.fallback})`;
  if (!one.default || one.default === "0s") return "";
  const isText = one.kind === "string" || one.kind === "choice";
  return ` (default ${isText ? quote(one.default) : one.default})`;
}

function describeFallback(name: FlagName): string[] {
  const one = flag(name);
  return one.kind === "string" && one.fallback !== undefined
    ? [`  Without -${name}, ${one.fallback} is read.`]
    : [];
}

/** Both tables have the same names in the same order. */
function exitCodes(): string {
  const descriptions = Object.values(EXIT_DESCRIPTIONS);
  return Object.values(EXIT).map((code, at) => `  ${code}  ${descriptions[at]}`).join("\n");
}
