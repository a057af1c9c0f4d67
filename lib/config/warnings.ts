/** What is odd about the flags and variables that were given, though nothing in it is wrong. */
import { durationText } from "../host/duration.ts";
import { ENVIRONMENT_PREFIX, FLAG_NAMES, type FlagValues, RESERVE, variablesOf } from "./flags.ts";
import type { Environment } from "./settings.ts";

/** A sentence for each oddity, with its remedy. */
export function warningsOf(values: FlagValues, env: Environment): string[] {
  const warnings: string[] = [];
  if (values["require-in-service"] && !values["wait-in-service"]) {
    warnings.push(
      "-require-in-service has no effect with -wait-in-service=false: leave out one of them",
    );
  }
  warnings.push(...drainWarnings(values), ...serviceWarnings(values));
  const known = new Set(FLAG_NAMES.flatMap(variablesOf));
  const unknown = Object.keys(env).filter((name) =>
    name.startsWith(ENVIRONMENT_PREFIX) && !known.has(name)
  );
  if (unknown.length > 0) {
    warnings.push(`no flag reads the environment variable ${unknown.sort().join(", ")}: see -h`);
  }
  return warnings;
}

function drainWarnings(values: FlagValues): string[] {
  const warnings: string[] = [];
  const text = (name: "min-drain-time" | "grace-period" | "wait-drained-timeout") =>
    `-${name} ${durationText(values[name])}`;
  const mayDrain = values["wait-drained"] || values.listen !== undefined;
  const grace = values["grace-period"];
  if (mayDrain && grace > 0 && values["min-drain-time"] + RESERVE > grace) {
    warnings.push(
      `${text("min-drain-time")} does not fit into ${text("grace-period")}, of which ` +
        `${durationText(RESERVE)} are kept back: the pod ends before its target is drained`,
    );
  }
  if (mayDrain && values["min-drain-time"] >= values["wait-drained-timeout"]) {
    warnings.push(
      `${text("wait-drained-timeout")} is over before ${text("min-drain-time")} is: ` +
        "no target would ever count as drained",
    );
  }
  if (values["wait-idle"] && !mayDrain) {
    warnings.push("-wait-idle has no effect without -wait-drained or -listen: give one of them");
  }
  return warnings;
}

function serviceWarnings(values: FlagValues): string[] {
  if (values.listen === undefined) {
    return values["drain-token-file"] === undefined
      ? []
      : ["-drain-token-file has no effect without -listen: there is no /drain to call"];
  }
  if (values["drain-allow"].length > 0 || values["drain-token-file"] !== undefined) return [];
  return [
    "the kubelet may not call /drain: set HOST_IP from the Downward API (fieldRef " +
    "status.hostIP), or give -drain-allow or -drain-token-file",
  ];
}
