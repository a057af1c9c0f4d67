/** The usage text: flags in the layout of Go's `PrintDefaults` (flag/flag.go), variables, exit codes. */
import { EXIT, EXIT_DESCRIPTIONS } from "../host/exit.ts";
import { quoted } from "../host/log.ts";
import type { Flag } from "./flag.ts";
import { ENVIRONMENT_PREFIX, environmentName, flag, FLAG_NAMES } from "./flags.ts";

/** The text that `-h` prints, without the last line break. */
export function usage(): string {
  return `Usage of k8s-nlb-registrator-sidecar:
${FLAG_NAMES.map((name) => describeFlag(name, flag(name))).join("\n")}

Environment variables:
  Every flag but -version can be set as ${ENVIRONMENT_PREFIX} and its name in upper case with _ for -, as
  in ${environmentName("log-level")}=debug. The command line wins. Commas separate the values of a
  flag that may be repeated. An empty value counts as not given.
${fallbacks()}

Exit codes:
${exitCodes()}`;
}

/**
 * A flag as Go prints it. The four spaces before the tab are Go's choice: they line up with tab
 * stops of 4 and of 8.
 */
export function describeFlag(name: string, one: Flag): string {
  const word = one.word === "" ? "" : ` ${one.word}`;
  const repeated = one.list ? " (may be repeated)" : "";
  return `  -${name}${word}
    	${one.help}${repeated}${describeDefault(one)}`;
}

/** Go does not show a type's zero value. */
function describeDefault({ fallback, default: value, word }: Flag): string {
  if (fallback !== undefined) return ` (default $${fallback})`;
  if (["", "0s", "false"].includes(value)) return "";
  return ` (default ${word === "string" ? quoted(value) : value})`;
}

function fallbacks(): string {
  return FLAG_NAMES.filter((name) => flag(name).fallback !== undefined)
    .map((name) => `  ${flag(name).fallback} is the fallback of -${name}.`).join("\n");
}

/** Both tables have the same names in the same order. */
function exitCodes(): string {
  const descriptions = Object.values(EXIT_DESCRIPTIONS);
  return Object.values(EXIT).map((code, at) => `  ${code}  ${descriptions[at]}`).join("\n");
}
