/** Which ids, ports and zones a target group takes, and what AWS says of others. */
import { isIPv4, isIPv6 } from "node:net";
import { AwsError, validationError } from "./errors.ts";
import { type Fields, missing, wholeNumber } from "./query.ts";
import type { GroupSettings } from "./settings.ts";
import type { Target } from "./states.ts";

/** The VPC of all groups. */
export const VPC = "vpc-0123456789abcdef0";

/** The fields of a target in a request. */
export const TARGET_FIELDS = ["Id", "Port", "AvailabilityZone", "QuicServerId"] as const;

/** A target as a request names it, for one group. */
export interface RequestedTarget extends Target {
  readonly availabilityZone?: string;
  readonly quicServerId?: string;
}

/**
 * The target of a request; without a port, the group's.
 * @throws {AwsError} Where the group cannot have such a target.
 */
export function requestedTarget(fields: Fields, group: GroupSettings): RequestedTarget {
  const { Id: id, Port: port, AvailabilityZone: zone, QuicServerId: quicServerId } = fields;
  if (id === undefined || id === "") throw missing("targets.1.member.id");
  expectFit(id, group);
  if (zone !== undefined && zone !== "all" && !/^[a-z]{2}(-[a-z]+)+-\d[a-z]$/.test(zone)) {
    throw validationError(`The Availability Zone '${zone}' is not valid`);
  }
  return {
    id,
    port: port === undefined ? group.port : wholeNumber(port, "targets.1.member.port", 1, 65535),
    ...(zone === undefined ? {} : { availabilityZone: zone }),
    ...(quicServerId === undefined ? {} : { quicServerId }),
  };
}

/**
 * Checks the server ID of a target to be registered. The rules are those of the API reference
 * (TargetDescription); the messages are not AWS's.
 * @param taken Those of the other targets.
 * @throws {AwsError} It is missing, malformed or taken; or the group does not serve QUIC.
 */
export function checkServerId(
  { id, quicServerId }: RequestedTarget,
  { protocol }: GroupSettings,
  taken: readonly (string | undefined)[],
): void {
  const isQuic = protocol === "QUIC" || protocol === "TCP_QUIC";
  if (quicServerId === undefined) {
    if (isQuic) throw validationError(`A QUIC server ID is required for target '${id}'`);
    return;
  }
  if (!isQuic) {
    throw validationError(`A QUIC server ID cannot be used with the ${protocol} protocol`);
  }
  if (!/^0x[0-9a-f]{16}$/.test(quicServerId)) {
    throw validationError(`The QUIC server ID '${quicServerId}' is not valid`);
  }
  if (taken.includes(quicServerId)) {
    throw validationError(`The QUIC server ID '${quicServerId}' is already in use`);
  }
}

function expectFit(id: string, { targetType, ipAddressType }: GroupSettings): void {
  if (targetType === "instance") {
    if (/^i-([0-9a-f]{8}|[0-9a-f]{17})$/.test(id)) return;
    throw validationError(`Instance ID '${id}' is not valid`);
  }
  const [isValid, kind] = ipAddressType === "ipv6" ? [isIPv6(id), "IPv6"] : [isIPv4(id), "IPv4"];
  if (!isValid) throw validationError(`The IP address '${id}' is not a valid ${kind} address`);
  if (!isInVpc(id) && !isPrivate(id)) {
    const words = `The following targets are not in the target group VPC '${VPC}': '${id}'`;
    throw new AwsError("InvalidTarget", 400, words);
  }
}

/**
 * The zone of a target to be registered.
 * @param detected That of targets in the VPC.
 * @throws {AwsError} An address outside the VPC needs one; one inside has its own.
 */
export function zoneOf({ id, availabilityZone }: RequestedTarget, detected: string): string {
  if (!isInVpc(id)) {
    if (availabilityZone !== undefined) return availabilityZone;
    const words = `The Availability Zone is required for IP address '${id}' because it is not`;
    throw validationError(`${words} in the VPC`);
  }
  if (availabilityZone !== "all") return availabilityZone ?? detected;
  throw validationError(
    `The IP address '${id}' is within the VPC, and cannot have its Availability Zone overridden ` +
      `to 'all' from '${detected}'`,
  );
}

/** 10.0.0.0/8 and all that is no IPv4 address; unlike AWS, loopback: targets on this machine. */
function isInVpc(id: string): boolean {
  return !isIPv4(id) || /^(10|127)\./.test(id);
}

/** RFC 1918 and 100.64.0.0/10: what a target outside the VPC may have. */
function isPrivate(address: string): boolean {
  const [a = 0, b = 0] = address.split(".").map(Number);
  return (a === 172 && b >= 16 && b <= 31) || (a === 192 && b === 168) ||
    (a === 100 && b >= 64 && b <= 127);
}
