/** Errors and warnings about combinations of flags. */
import { durationText } from "../host/duration.ts";
import {
  ENVIRONMENT_PREFIX,
  flag,
  FLAG_NAMES,
  type FlagName,
  RESERVE,
  variablesOf,
} from "./flags.ts";
import { type Environment, isServiceLink, type Settings } from "./settings.ts";
import { type GroupReference, targetKind } from "./target.ts";

/** A message, and whether it applies. */
type Rule = readonly [applies: boolean, message: string];

function applying(rules: readonly Rule[]): string[] {
  return rules.filter(([applies]) => applies).map(([, message]) => message);
}

/**
 * Finds contradictions, and required flags that are missing.
 * @param operands Arguments that were not read; a missing flag may be among them.
 */
export function conflictsOf({ values, sources }: Settings, operands: readonly string[]): string[] {
  const groups = [...values["target-group-name"], ...values["target-group-arn"]];
  const twice = groups.find((one, at) => groups.slice(0, at).some((other) => isSame(one, other)));
  const ofArns = values["target-group-arn"].map(({ region }) => region);
  const regions = new Set(values.region === undefined ? ofArns : [values.region, ...ofArns]);
  const isMissing = (...names: readonly FlagName[]) =>
    !names.some((name) => sources.has(name)) && !operands.some((text) => text.startsWith("-"));
  return applying([
    [
      twice !== undefined,
      `target group ${twice?.name} is given twice with the same port: remove one of them`,
    ],
    [
      regions.size > 1,
      `the target groups and -region name several regions (${[...regions].join(", ")}): ` +
      "a sidecar works in one region",
    ],
    [
      values["wait-idle"] &&
      (values["target-id"] ?? []).some((id) => targetKind(id) === "instance"),
      "-wait-idle counts the pod's own connections: -target-id must be an IP address, not an instance",
    ],
    [
      values["drain-token-required"] && values["drain-token-file"] === undefined,
      "-drain-token-required needs -drain-token-file: without it no client could call /drain",
    ],
    [
      values.listen !== undefined && values["state-file"] !== undefined &&
      values["pod-uid"] === undefined,
      "-state-file needs -pod-uid: set POD_UID from the Downward API (fieldRef metadata.uid)",
    ],
    [
      isMissing("target-group-name", "target-group-arn"),
      "no target group: set -target-group-name or -target-group-arn",
    ],
    [
      isMissing("target-id"),
      "no target ID: set -target-id, or POD_IP from the Downward API (fieldRef status.podIP)",
    ],
  ]);
}

/** A name is unique in its region and account, so it also stands for the ARN that contains it. */
function isSame(one: GroupReference, other: GroupReference): boolean {
  if (one.port !== other.port) return false;
  return one.by === "arn" && other.by === "arn" ? one.arn === other.arn : one.name === other.name;
}

/** The SDK ignores one without the other. */
const KEY_PAIR: readonly string[] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

/** Finds flags and variables that are valid but probably a mistake. */
export function warningsOf({ values, sources }: Settings, env: Environment): string[] {
  const {
    listen,
    "min-drain-time": minimum,
    "wait-drained-timeout": timeout,
    "grace-period": grace,
    "drain-token-required": tokenRequired,
  } = values;
  const mayDrain = values["wait-drained"] || listen !== undefined;
  const lets = values["drain-allow"].length > 0 || values["drain-token-file"] !== undefined;
  // A fallback such as HOST_IP may serve other containers.
  const isGiven = (name: FlagName) =>
    sources.has(name) && sources.get(name) !== `environment variable ${flag(name).fallback}`;
  const ours = Object.keys(env).filter((name) => name.startsWith(ENVIRONMENT_PREFIX)).sort();
  const links = ours.filter((name) => isServiceLink(name, env[name] ?? ""));
  const keys = KEY_PAIR.filter((name) => (env[name] ?? "") !== "");
  const known = new Set(FLAG_NAMES.flatMap(variablesOf));
  const unknown = ours.filter((name) => !known.has(name) && !links.includes(name));
  return applying([
    [
      values["require-in-service"] && !values["wait-in-service"],
      "-require-in-service has no effect with -wait-in-service=false: remove one of them",
    ],
    [
      mayDrain && grace > 0 && minimum + RESERVE > grace,
      `-min-drain-time ${durationText(minimum)} does not fit into -grace-period ` +
      `${durationText(grace)}, of which ${durationText(RESERVE)} are reserved for the exit: ` +
      "the kubelet will kill the pod before its target is drained",
    ],
    [
      mayDrain && minimum >= timeout,
      `-wait-drained-timeout ${durationText(timeout)} is not longer than -min-drain-time ` +
      `${durationText(minimum)}: no drain can end in time`,
    ],
    [
      values["wait-idle"] && !mayDrain,
      "-wait-idle has no effect without -wait-drained or -listen: add one of them",
    ],
    ...FLAG_NAMES.filter((name) => flag(name).needs !== undefined && isGiven(name)).map((name) =>
      [
        listen === undefined,
        `-${name} has no effect without -listen: there is no /drain to call`,
      ] as const
    ),
    [
      listen !== undefined && tokenRequired && isGiven("drain-allow"),
      "-drain-allow has no effect with -drain-token-required: remove one of them",
    ],
    [
      listen !== undefined && !lets,
      "the kubelet is not allowed to call /drain: set HOST_IP from the Downward API (fieldRef " +
      "status.hostIP), or use -drain-allow or -drain-token-file",
    ],
    [
      links.length > 0,
      `ignored ${links.join(", ")}, which Kubernetes sets for a Service: ` +
      "set enableServiceLinks: false in the pod",
    ],
    [
      keys.length === 1,
      `${keys[0]} has no effect without ${KEY_PAIR.find((name) => !keys.includes(name))}: ` +
      "set both, or neither",
    ],
    [
      unknown.length > 0,
      `no flag reads the environment variable ${unknown.join(", ")}: see -h`,
    ],
  ]);
}
