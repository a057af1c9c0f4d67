/** Target groups as users name them. */
import type { GroupArn, GroupName, GroupReference } from "../registration/resolve.ts";
import type { Checked } from "./checks.ts";
import { quote } from "./go_quote.ts";
import type { Parsed } from "./kinds.ts";
import { isRegion } from "./region.ts";

/** The API's rule: up to 32 letters, digits and hyphens, no hyphen at either end. */
const NAME = /^(?!-)[A-Za-z0-9-]{1,32}(?<!-)$/;

/** A port at the end: `NAME:PORT`. An ARN itself ends with no such number. */
const PORT_SUFFIX = /^(.*):([0-9]{1,6})$/s;
const HIGHEST_PORT = 65_535;

/** Checks a target group's name, with or without a port for the target. */
export function parseGroupName(text: string): Parsed<GroupName> {
  return withPort(text, parseName);
}

/** Reads a target group's ARN, with or without a port for the target. */
export function parseGroupArn(text: string): Parsed<GroupArn> {
  return withPort(text, parseArn);
}

function withPort<T>(text: string, parse: (text: string) => Parsed<T>): Parsed<T> {
  const [, group, digits] = PORT_SUFFIX.exec(text) ?? [];
  if (group === undefined) return parse(text);
  const port = Number(digits);
  if (port < 1 || port > HIGHEST_PORT) {
    return { fault: `its port is ${digits}; a port is a number from 1 to ${HIGHEST_PORT}` };
  }
  const parsed = parse(group);
  return "value" in parsed ? { value: { ...parsed.value, port } } : parsed;
}

function parseName(name: string): Parsed<GroupName> {
  if (NAME.test(name)) return { value: { by: "name", name } };
  if (name.startsWith("arn:")) return { fault: "an ARN is given by -target-group-arn" };
  return {
    fault: "a target group's name is up to 32 letters, digits and hyphens, " +
      "and neither begins nor ends with a hyphen",
  };
}

const ARN = /^arn:([^:]+):([^:]+):([^:]*):([^:]*):(.+)$/s;
const SERVICE = "elasticloadbalancing";
const PARTITION = /^aws(?:-[a-z]+)*$/;
const ACCOUNT = /^[0-9]{12}$/;
const RESOURCE = /^targetgroup\/([^/]+)\/[0-9a-f]+$/;

const EXAMPLE = `arn:aws:${SERVICE}:REGION:ACCOUNT:targetgroup/NAME/ID`;

function parseArn(arn: string): Parsed<GroupArn> {
  const [, partition = "", service = "", region = "", account = "", resource = ""] =
    ARN.exec(arn) ?? [];
  const malformed = { fault: `the ARN of a target group looks like ${EXAMPLE}` };
  if (service === "") {
    return NAME.test(arn) ? { fault: "a name is given by -target-group-name" } : malformed;
  }
  if (service !== SERVICE) {
    return { fault: `it is an ARN of the service ${quote(service)}, not of ${SERVICE}` };
  }
  if (!resource.startsWith("targetgroup/")) {
    const [type = ""] = resource.split("/");
    return { fault: `it is the ARN of a ${quote(type)}, not of a targetgroup` };
  }
  const [, name = ""] = RESOURCE.exec(resource) ?? [];
  const isWhole = PARTITION.test(partition) && isRegion(region) && ACCOUNT.test(account) &&
    NAME.test(name);
  return isWhole ? { value: { by: "arn", arn, region, partition, name } } : malformed;
}

/** What is wrong with the groups taken together, a sentence each. */
export function conflicts(
  groups: readonly Checked<GroupReference>[],
  region: Checked<string> | undefined,
): string[] {
  return [...duplicates(groups), ...foreignRegions(groups, region)];
}

function duplicates(groups: readonly Checked<GroupReference>[]): string[] {
  return groups.flatMap((one, at) =>
    groups.slice(0, at).some((other) => isSame(one.value, other.value))
      ? [one.invalid("this target group is given already, with the same port")]
      : []
  );
}

/** A name is unique in its region and account: it means the group of an ARN that holds it. */
function isSame(one: GroupReference, other: GroupReference): boolean {
  if (one.port !== other.port) return false;
  return one.by === "arn" && other.by === "arn" ? one.arn === other.arn : one.name === other.name;
}

/** The sidecar talks to one region: that of `-region`, else that of the first ARN. */
function foreignRegions(
  groups: readonly Checked<GroupReference>[],
  region: Checked<string> | undefined,
): string[] {
  let expected = region === undefined ? undefined : { name: region.value, by: region.source };
  return groups.flatMap(({ value, source, invalid }) => {
    if (value.by === "name") return [];
    expected ??= { name: value.region, by: `another ${source}` };
    return value.region === expected.name ? [] : [invalid(
      `its region is ${value.region}, and that of ${expected.by} is ${expected.name}: ` +
        "a sidecar works in one region",
    )];
  });
}
