/** Which ids and ports a target group takes, and what AWS says of others. */
import { isIPv4, isIPv6 } from "node:net";
import { AwsError, validationError } from "./errors.ts";
import type { Fields } from "./query.ts";
import { missing, wholeNumber } from "./query.ts";
import type { GroupSettings } from "./settings.ts";
import type { Target } from "./states.ts";

/** The VPC of all groups. */
export const VPC = "vpc-0123456789abcdef0";

/** The fields of a target in a request. */
export const TARGET_FIELDS = ["Id", "Port", "AvailabilityZone"] as const;

/** A target as a request names it, for one group. */
export interface RequestedTarget extends Target {
  readonly availabilityZone?: string;
}

/**
 * The target of a request; without a port, the group's.
 * @throws {AwsError} Where the group cannot have such a target.
 */
export function requestedTarget(fields: Fields, group: GroupSettings): RequestedTarget {
  const { Id: id, Port: port, AvailabilityZone: zone } = fields;
  if (id === undefined || id === "") throw missing("targets.1.member.id");
  expectFit(id, group);
  if (zone !== undefined && zone !== "all" && !/^[a-z]{2}(-[a-z]+)+-\d[a-z]$/.test(zone)) {
    throw validationError(`The Availability Zone '${zone}' is not valid`);
  }
  return {
    id,
    port: port === undefined ? group.port : wholeNumber(port, "targets.1.member.port", 1, 65535),
    ...(zone === undefined ? {} : { availabilityZone: zone }),
  };
}

function expectFit(id: string, group: GroupSettings): void {
  if (group.targetType === "instance") {
    if (!/^i-([0-9a-f]{8}|[0-9a-f]{17})$/.test(id)) {
      throw validationError(`Instance ID '${id}' is not valid`);
    }
  } else if (group.ipAddressType === "ipv6") {
    if (!isIPv6(id)) throw validationError(`The IP address '${id}' is not a valid IPv6 address`);
  } else if (!isIPv4(id)) {
    throw validationError(`The IP address '${id}' is not a valid IPv4 address`);
  } else if (!isPrivate(id)) {
    throw new AwsError(
      "InvalidTarget",
      400,
      `The following targets are not in the target group VPC '${VPC}': '${id}'`,
    );
  }
}

/** RFC 1918, 100.64.0.0/10, and, unlike AWS, loopback: so that targets can be on this machine. */
function isPrivate(address: string): boolean {
  const [a = 0, b = 0] = address.split(".").map(Number);
  return a === 10 || a === 127 || (a === 172 && b >= 16 && b <= 31) ||
    (a === 192 && b === 168) || (a === 100 && b >= 64 && b <= 127);
}
