/** Warnings about flags and variables that are valid, but hardly what was meant. */
import { durationText } from "../host/duration.ts";
import {
  ENVIRONMENT_PREFIX,
  flag,
  FLAG_NAMES,
  type FlagName,
  type FlagValues,
  RESERVE,
  variablesOf,
} from "./flags.ts";
import { type Environment, isServiceLink, type Settings } from "./settings.ts";

/** The warnings, a sentence each, with the remedy. */
export function warningsOf(settings: Settings, env: Environment): string[] {
  const { values } = settings;
  const warnings: string[] = [];
  if (values["require-in-service"] && !values["wait-in-service"]) {
    warnings.push(
      "-require-in-service has no effect with -wait-in-service=false: remove one of them",
    );
  }
  return [
    ...warnings,
    ...drainWarnings(values),
    ...serviceWarnings(settings),
    ...variableWarnings(env),
  ];
}

function variableWarnings(env: Environment): string[] {
  const ours = Object.keys(env).filter((name) => name.startsWith(ENVIRONMENT_PREFIX)).sort();
  const links = ours.filter((name) => isServiceLink(name, env[name] ?? ""));
  const known = new Set(FLAG_NAMES.flatMap(variablesOf));
  const unknown = ours.filter((name) => !known.has(name) && !links.includes(name));
  return [
    ...(links.length === 0 ? [] : [
      `ignored ${links.join(", ")}, which Kubernetes sets for a Service: ` +
      "set enableServiceLinks: false in the pod",
    ]),
    ...(unknown.length === 0
      ? []
      : [`no flag reads the environment variable ${unknown.join(", ")}: see -h`]),
  ];
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
        `${
          durationText(RESERVE)
        } are reserved for the exit: the kubelet will kill the pod before ` +
        "its target is drained",
    );
  }
  if (mayDrain && values["min-drain-time"] >= values["wait-drained-timeout"]) {
    warnings.push(
      `${text("wait-drained-timeout")} is not longer than ${text("min-drain-time")}: ` +
        "no drain can end in time",
    );
  }
  if (values["wait-idle"] && !mayDrain) {
    warnings.push("-wait-idle has no effect without -wait-drained or -listen: add one of them");
  }
  return warnings;
}

function serviceWarnings({ values, sources }: Settings): string[] {
  // A fallback such as HOST_IP may be there for others.
  const isGiven = (name: FlagName) =>
    sources.has(name) && sources.get(name) !== `environment variable ${flag(name).fallback}`;
  if (values.listen === undefined) {
    return FLAG_NAMES.filter((name) => flag(name).needs === "listen" && isGiven(name))
      .map((name) => `-${name} has no effect without -listen: there is no /drain to call`);
  }
  if (values["drain-token-required"]) {
    return isGiven("drain-allow")
      ? ["-drain-allow has no effect with -drain-token-required: remove one of them"]
      : [];
  }
  const everyone = values["drain-allow"].filter(({ bits }) => bits === 0);
  if (everyone.length > 0) {
    return ["-drain-allow lets every address call /drain: give a smaller range"];
  }
  if (values["drain-allow"].length > 0 || values["drain-token-file"] !== undefined) return [];
  return [
    "the kubelet is not allowed to call /drain: set HOST_IP from the Downward API (fieldRef " +
    "status.hostIP), or use -drain-allow or -drain-token-file",
  ];
}
