/** The settings of a target group: what a test gives, checked, with defaults filled in. */

import { isIPv4 } from "node:net";

/** How the health of a registered target is found. Times are in milliseconds. */
export type HealthSource =
  /** Without looking at the target: so long after the registration is done. */
  | { readonly check: "assumed"; readonly after: number; readonly healthy: boolean }
  /** A TCP connection to the target. */
  | { readonly check: "tcp" }
  /** An HTTP request to the target, with any status of 200 to 399. */
  | { readonly check: "http"; readonly path: string }
  /** Health checks are off: the target's health is `unavailable`. */
  | { readonly check: "none" };

/** A target group. Fields ending in `Seconds` are reported to clients, so whole numbers. */
export interface GroupSettings {
  /** At most 32 letters, digits and hyphens. */
  readonly name: string;
  /** The port of targets registered without one. @default {80} */
  readonly port: number;
  /** @default {"ip"} */
  readonly targetType: "ip" | "instance";
  /** @default {"ipv4"} */
  readonly ipAddressType: "ipv4" | "ipv6";
  /** @default {"TCP"} */
  readonly protocol: string;
  /** Whether a load balancer uses the group; targets of others stay `unused`. @default {true} */
  readonly inUse: boolean;
  readonly tags: Readonly<Record<string, string>>;
  /** How many targets can be registered; those that drain do not count. @default {500} */
  readonly quota: number;
  /** @default {300} */
  readonly deregistrationDelaySeconds: number;
  /** @default {30} */
  readonly healthCheckIntervalSeconds: number;
  /** @default {10} */
  readonly healthCheckTimeoutSeconds: number;
  /** @default {5} */
  readonly healthyThresholdCount: number;
  /** @default {2} */
  readonly unhealthyThresholdCount: number;
  /** Where health checks go; by default the port of the target. */
  readonly healthCheckPort?: number;
  /** @default {{ check: "assumed", after: 0, healthy: true }} */
  readonly health: HealthSource;
  /** How long a registration is in progress, in milliseconds. @default {0} */
  readonly registering: number;
  /**
   * How long after RegisterTargets replies still know nothing of the target, in milliseconds:
   * the API is eventually consistent. @default {0}
   */
  readonly unseen: number;
  /**
   * How much faster time runs in this group than the settings above say: with 20, a health
   * check interval of 10 seconds takes half a second, and is still reported as 10. @default {1}
   */
  readonly timeScale: number;
  /**
   * Whether connections are forwarded to the targets: a number is the port on 127.0.0.1 where
   * clients connect, `true` any free one. @default {false}
   */
  readonly listener: boolean | number;
  /**
   * The addresses of the load balancer's nodes, on loopback: from there, targets on loopback are
   * checked and connected to, so that they see it as somebody else. Each node checks by itself.
   * @default {["127.200.0.1"]}
   */
  readonly nodes: readonly string[];
  /**
   * How long after DeregisterTargets new connections still go to the target, in milliseconds,
   * whatever the deregistration delay is: users measured some two minutes. @default {120_000}
   */
  readonly sendsAfterDeregistration: number;
  /** Whether connections are cut when the deregistration delay is over. @default {false} */
  readonly connectionTermination: boolean;
  /** Whether connections are cut when their target becomes unhealthy. @default {true} */
  readonly unhealthyConnectionTermination: boolean;
}

/** A target group as a test gives it; only the name is needed. */
export type GroupOptions = Pick<GroupSettings, "name"> & Partial<GroupSettings>;

const DEFAULTS: Omit<GroupSettings, "name"> = {
  port: 80,
  targetType: "ip",
  ipAddressType: "ipv4",
  protocol: "TCP",
  inUse: true,
  tags: {},
  quota: 500,
  deregistrationDelaySeconds: 300,
  healthCheckIntervalSeconds: 30,
  healthCheckTimeoutSeconds: 10,
  healthyThresholdCount: 5,
  unhealthyThresholdCount: 2,
  health: { check: "assumed", after: 0, healthy: true },
  registering: 0,
  unseen: 0,
  timeScale: 1,
  listener: false,
  nodes: ["127.200.0.1"],
  sendsAfterDeregistration: 120_000,
  connectionTermination: false,
  unhealthyConnectionTermination: true,
};

const NAME = /^(?!-)[A-Za-z0-9-]{1,32}(?<!-)$/;

/**
 * The settings with the defaults filled in.
 * @throws {RangeError} Where a setting is not one that a target group can have; says all of them.
 */
export function groupSettings(options: GroupOptions): GroupSettings {
  const settings = { ...DEFAULTS, ...options };
  const faults = faultsOf(settings);
  if (faults.length > 0) {
    throw new RangeError(`Cannot make target group "${settings.name}": ${faults.join("; ")}`);
  }
  return settings;
}

function faultsOf(group: GroupSettings): string[] {
  const faults: string[] = [];
  const expect = (good: boolean, fault: string) => {
    if (!good) faults.push(fault);
  };
  expect(NAME.test(group.name), "a name is at most 32 letters, digits and inner hyphens");
  expect(isPort(group.port), `port ${group.port} is not within 1 and 65535`);
  expect(
    group.healthCheckPort === undefined || isPort(group.healthCheckPort),
    `health check port ${group.healthCheckPort} is not within 1 and 65535`,
  );
  // AWS has lower limits of its own (5 s for the interval); tests may go below them.
  for (const key of WHOLE) {
    const least = key === "deregistrationDelaySeconds" ? 0 : 1;
    const good = Number.isInteger(group[key]) && group[key] >= least;
    expect(good, `${key} is ${group[key]} and not a whole number from ${least}`);
  }
  expect(group.registering >= 0 && group.unseen >= 0, "times are not negative");
  expect(group.timeScale > 0, `a time scale is more than 0 and not ${group.timeScale}`);
  const connects = group.health.check === "tcp" || group.health.check === "http";
  expect(
    group.targetType === "ip" || !connects,
    `targets of type ${group.targetType} have no address to check`,
  );
  return [...faults, ...forwardingFaults(group)];
}

function forwardingFaults(group: GroupSettings): string[] {
  const faults: string[] = [];
  const { listener, nodes, sendsAfterDeregistration: sends } = group;
  if (!nodes.every(isLoopback) || nodes.length === 0) {
    faults.push(`nodes are [${nodes.join(", ")}] and not IPv4 loopback addresses`);
  }
  if (!(sends >= 0)) faults.push(`sendsAfterDeregistration is ${sends} and not a time from 0`);
  if (listener === false) return faults;
  if (listener !== true && !isPort(listener)) {
    faults.push(`listener ${listener} is no port within 1 and 65535`);
  }
  if (!group.inUse) faults.push("a group that no load balancer uses has no listener");
  if (group.targetType !== "ip" || group.protocol !== "TCP") {
    faults.push("only TCP connections to targets of type ip can be forwarded");
  }
  return faults;
}

/** Whether the address is an IPv4 loopback address. */
export function isLoopback(address: string): boolean {
  return isIPv4(address) && address.startsWith("127.");
}

const WHOLE = [
  "quota",
  "deregistrationDelaySeconds",
  "healthCheckIntervalSeconds",
  "healthCheckTimeoutSeconds",
  "healthyThresholdCount",
  "unhealthyThresholdCount",
] as const;

/** Whether the number is a TCP port. */
export function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65535;
}
