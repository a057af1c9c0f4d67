/** The target, and the target groups to register it with. */
import { canonicalAddress, HIGHEST_PORT } from "../host/address.ts";
import type { Parsed } from "./flag.ts";

/** A target group to find by its name. */
export interface GroupName {
  readonly by: "name";
  readonly name: string;
  /** The target's port in this group, if it differs from `-target-port`. */
  readonly port?: number;
}

/** A target group's ARN and its parts. */
export interface GroupArn {
  readonly by: "arn";
  readonly arn: string;
  readonly region: string;
  /** `aws`, `aws-cn`, `aws-us-gov` … */
  readonly partition: string;
  readonly name: string;
  /** The target's port in this group, if it differs from `-target-port`. */
  readonly port?: number;
}

/** A target group as the user names it. */
export type GroupReference = GroupName | GroupArn;

/** The target to register, before the groups are known. */
export interface TargetOptions {
  /** An address or an instance; or an IPv4 and an IPv6 address, for the groups of either type. */
  readonly ids: readonly string[];
  readonly port?: number;
  readonly availabilityZone?: string;
  readonly quicServerId?: QuicServerId;
  /** Whether to describe groups given by ARN too, because their port or protocol is needed. */
  readonly lookUp: boolean;
}

/** Where the server ID for groups that serve QUIC comes from. */
export type QuicServerId =
  | { readonly by: "value"; readonly value: string }
  /** The application writes it there. */
  | { readonly by: "file"; readonly path: string }
  /** Made from the target's address and port: as good as random, and the same after a restart. */
  | { readonly by: "derive" };

/** The API's form (TargetDescription). */
export const IS_QUIC_SERVER_ID = /^0x[0-9a-f]{16}$/;

/** Parses a server ID, or where it comes from. */
export function parseQuicServerId(text: string): Parsed<QuicServerId> {
  if (text === "derive") return { value: { by: "derive" } };
  if (/^file:./.test(text)) return { value: { by: "file", path: text.slice("file:".length) } };
  if (IS_QUIC_SERVER_ID.test(text)) return { value: { by: "value", value: text } };
  return { error: "a server ID is 0x and 16 digits of 0-9 and a-f, file:PATH, or derive" };
}

const INSTANCE = /^i-(?:[0-9a-f]{8}|[0-9a-f]{17})$/;

/**
 * Parses a target ID, or an IPv4 and an IPv6 address with a comma between them, as in
 * `status.podIPs` of the Downward API.
 */
export function parseTargetIds(text: string): Parsed<readonly string[]> {
  const ids: string[] = [];
  for (const one of text.split(",")) {
    const id = INSTANCE.test(one) ? one : canonicalAddress(one);
    if (id === undefined) {
      return { error: "a target ID is an IPv4 or IPv6 address, or an instance ID (i-…)" };
    }
    ids.push(id);
  }
  const kinds = ids.map(targetKind);
  const isPair = new Set(kinds).size === kinds.length &&
    (kinds.length === 1 || !kinds.includes("instance"));
  return isPair ? { value: ids } : {
    error:
      "only one IPv4 and one IPv6 address can be combined: each goes to the groups of its type",
  };
}

/** The type of a valid target ID, in the API's terms. */
export function targetKind(id: string): "instance" | "ipv4" | "ipv6" {
  if (id.startsWith("i-")) return "instance";
  return id.includes(":") ? "ipv6" : "ipv4";
}

/** The API's rule: up to 32 letters, digits and hyphens, no hyphen at either end. */
const NAME = "(?!-)[A-Za-z0-9-]{1,32}(?<!-)";
const IS_NAME = new RegExp(`^${NAME}$`);

/** Parses a target group's name, with or without the target's port. */
export function parseGroupName(text: string): Parsed<GroupName> {
  return withPort(text, (name): Parsed<GroupName> => {
    if (IS_NAME.test(name)) return { value: { by: "name", name } };
    if (name.startsWith("arn:")) return { error: "use -target-group-arn for an ARN" };
    return {
      error: "a target group name has up to 32 letters, digits and hyphens, " +
        "and no hyphen at either end",
    };
  });
}

/** Parses a target group's ARN, with or without the target's port. */
export function parseGroupArn(text: string): Parsed<GroupArn> {
  return withPort(text, parseArn);
}

/** `NAME:PORT`. No ARN ends with such a number. */
const PORT_SUFFIX = /^(.*):([0-9]{1,6})$/s;

function withPort<T>(text: string, parse: (text: string) => Parsed<T>): Parsed<T> {
  const [, group, digits] = PORT_SUFFIX.exec(text) ?? [];
  if (group === undefined) return parse(text);
  const port = Number(digits);
  if (port < 1 || port > HIGHEST_PORT) {
    return { error: `its port is ${digits}; a port is a number from 1 to ${HIGHEST_PORT}` };
  }
  const parsed = parse(group);
  return "value" in parsed ? { value: { ...parsed.value, port } } : parsed;
}

/** A label of the API's host name; which regions exist is not known here. */
const REGION = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const ARN = new RegExp(
  `^arn:(aws(?:-[a-z]+)*):elasticloadbalancing:(${REGION}):[0-9]{12}:` +
    `targetgroup/(${NAME})/[0-9a-f]+$`,
);

function parseArn(arn: string): Parsed<GroupArn> {
  const [, partition = "", region = "", name] = ARN.exec(arn) ?? [];
  if (name !== undefined) return { value: { by: "arn", arn, region, partition, name } };
  if (IS_NAME.test(arn)) return { error: "use -target-group-name for a name" };
  return {
    error: "the ARN of a target group looks like " +
      "arn:aws:elasticloadbalancing:REGION:ACCOUNT:targetgroup/NAME/ID",
  };
}

/** `eu-west-1a`; also a Local Zone (`us-west-2-lax-1a`) or Wavelength Zone. */
const ZONE = /^([a-z]{2}(?:-[a-z]+)+-[0-9]+)(?:[a-z]|-[a-z0-9]+-.*)$/;

/** Parses a region's name. */
export function parseRegion(text: string): Parsed<string> {
  const [, region] = ZONE.exec(text) ?? [];
  if (region !== undefined) {
    return { error: `it looks like an Availability Zone: the region would be ${region}` };
  }
  return new RegExp(`^${REGION}$`).test(text)
    ? { value: text }
    : { error: "a region's name looks like eu-west-1" };
}
