/** What is wrong with settings that are good one by one, a sentence each. */
import type { FlagName } from "./flags.ts";
import { invalidValue, type Settings } from "./settings.ts";
import { type GroupArn, type GroupReference, targetKind } from "./target.ts";

/**
 * Finds what contradicts something else, and what is missing.
 * @param operands What was not read: a flag may be given there.
 */
export function conflicts(settings: Settings, operands: readonly string[]): string[] {
  return [
    ...duplicates(settings),
    ...foreignRegions(settings),
    ...instancesWithoutConnections(settings),
    ...requiredTokenWithoutFile(settings),
    ...(operands.some((operand) => operand.startsWith("-")) ? [] : missing(settings)),
  ];
}

function duplicates({ values, sources }: Settings): string[] {
  const groups = [...values["target-group-name"], ...values["target-group-arn"]];
  return groups.flatMap((one, at) =>
    groups.slice(0, at).some((other) => isSame(one, other))
      ? [invalidGroup(one, sources, "this target group is already given with the same port")]
      : []
  );
}

/** A name is unique in its region and account: it means the group of an ARN that contains it. */
function isSame(one: GroupReference, other: GroupReference): boolean {
  if (one.port !== other.port) return false;
  return one.by === "arn" && other.by === "arn" ? one.arn === other.arn : one.name === other.name;
}

/** The sidecar works in one region: that of `-region`, else that of the first ARN. */
function foreignRegions({ values, sources }: Settings): string[] {
  const [first, ...others] = values["target-group-arn"];
  if (first === undefined) return [];
  const foreign = (groups: readonly GroupArn[], region: string, origin: string) =>
    groups.filter((group) => group.region !== region).map((group) =>
      invalidGroup(
        group,
        sources,
        `its region is ${group.region}, and that of ${origin} is ${region}: ` +
          "a sidecar works in one region",
      )
    );
  const { region } = values;
  return region !== undefined
    ? foreign([first, ...others], region, sources.get("region") ?? "")
    : foreign(others, first.region, `another ${sources.get("target-group-arn")}`);
}

function invalidGroup(
  group: GroupReference,
  sources: Settings["sources"],
  reason: string,
): string {
  const name = `target-group-${group.by}` as const;
  const id = group.by === "arn" ? group.arn : group.name;
  const text = group.port === undefined ? id : `${id}:${group.port}`;
  return invalidValue(name, sources.get(name) ?? "", text, reason);
}

/** An instance's connections are not those of this pod. */
function instancesWithoutConnections({ values, sources }: Settings): string[] {
  const instance = values["target-id"]?.find((id) => targetKind(id) === "instance");
  return values["wait-idle"] && instance !== undefined
    ? [invalidValue(
      "target-id",
      sources.get("target-id") ?? "",
      instance,
      "-wait-idle sees the pod's own connections: use an IP address",
    )]
    : [];
}

function requiredTokenWithoutFile({ values }: Settings): string[] {
  return values["drain-token-required"] && values["drain-token-file"] === undefined
    ? ["-drain-token-required needs -drain-token-file: without it nobody could call /drain"]
    : [];
}

function missing({ sources }: Settings): string[] {
  const lacks = (...names: readonly FlagName[]) => !names.some((name) => sources.has(name));
  const errors: string[] = [];
  if (lacks("target-group-name", "target-group-arn")) {
    errors.push("no target group: set -target-group-name or -target-group-arn");
  }
  if (lacks("target-id")) {
    errors.push(
      "no target ID: set -target-id, or POD_IP from the Downward API (fieldRef status.podIP)",
    );
  }
  return errors;
}
