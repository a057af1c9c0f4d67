/** The settings of a target group: what a test gives, checked, with defaults filled in. */

/** How the health of a registered target is found. Times are in milliseconds. */
export type HealthSource =
  /** Without checking the target: so long after the registration is done. */
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
  /** How many targets can be registered; those that drain do not count. @default {500} */
  readonly quota: number;
  /** @default {300} */
  readonly deregistrationDelaySeconds: number;
  /** @default {30} */
  readonly healthCheckIntervalSeconds: number;
  /** At most the interval. @default {10}, or the interval if that is shorter */
  readonly healthCheckTimeoutSeconds: number;
  /** @default {5} */
  readonly healthyThresholdCount: number;
  /** @default {2} */
  readonly unhealthyThresholdCount: number;
  /** Where health checks go; by default the port of the target. */
  readonly healthCheckPort?: number;
  /** The least real time of a check, whatever its timeout: below it this machine is measured. */
  readonly checkPatience: number;
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
   * How much faster time runs in this group than its settings say: with 20, a health check
   * interval of 10 seconds takes half a second, and is still reported as 10. @default {1}
   */
  readonly timeScale: number;
  /** Whether connections to a port of 127.0.0.1 are forwarded to the targets. @default {false} */
  readonly listener: boolean;
  /**
   * How long after DeregisterTargets new connections still go to the target, in milliseconds,
   * whatever the deregistration delay is: users measured some two minutes. @default {120_000}
   */
  readonly sendsAfterDeregistration: number;
  /** Whether connections are cut when their target becomes unhealthy. @default {true} */
  readonly unhealthyConnectionTermination: boolean;
}

/** A target group as a test gives it; only the name is needed. */
export type GroupOptions = Pick<GroupSettings, "name"> & Partial<GroupSettings>;

const DEFAULTS: Omit<GroupSettings, "name" | "healthCheckTimeoutSeconds"> = {
  ...{ port: 80, targetType: "ip", ipAddressType: "ipv4", protocol: "TCP", inUse: true },
  ...{ quota: 500, deregistrationDelaySeconds: 300, healthCheckIntervalSeconds: 30 },
  ...{ healthyThresholdCount: 5, unhealthyThresholdCount: 2, checkPatience: 0 },
  health: { check: "assumed", after: 0, healthy: true },
  ...{ registering: 0, unseen: 0, timeScale: 1, listener: false },
  ...{ sendsAfterDeregistration: 120_000, unhealthyConnectionTermination: true },
};

/**
 * The settings with the defaults filled in.
 * @throws {RangeError} Where a setting is not one that a target group can have; says all of them.
 */
export function groupSettings(options: GroupOptions): GroupSettings {
  const interval = options.healthCheckIntervalSeconds ?? DEFAULTS.healthCheckIntervalSeconds;
  const healthCheckTimeoutSeconds = Math.min(10, interval);
  const settings = { ...DEFAULTS, healthCheckTimeoutSeconds, ...options };
  const errors = errorsOf(settings);
  if (errors.length === 0) return settings;
  throw new RangeError(`Cannot make target group "${settings.name}": ${errors.join("; ")}`);
}

const NAME = /^(?!-)[A-Za-z0-9-]{1,32}(?<!-)$/;
// AWS has lower limits of its own (5 s for the interval); tests may go below them.
const COUNTS = [
  ...["quota", "healthCheckIntervalSeconds", "healthCheckTimeoutSeconds"],
  ...["healthyThresholdCount", "unhealthyThresholdCount"],
];
const TIMES = [
  ...["registering", "unseen", "sendsAfterDeregistration"],
  ...["deregistrationDelaySeconds", "checkPatience"],
];

function errorsOf(group: GroupSettings): string[] {
  const { listener, health, healthCheckIntervalSeconds: interval } = group;
  const numbers = new Map(Object.entries(group));
  const isIp = group.targetType === "ip";
  const checks: (readonly [isGood: boolean, error: string])[] = [
    [NAME.test(group.name), "a name is at most 32 letters, digits and inner hyphens"],
    ...[group.port, group.healthCheckPort ?? 1].map((port) =>
      [isPort(port), `port ${port} is not within 1 and 65535`] as const
    ),
    ...COUNTS.map((key) => {
      const value = numbers.get(key);
      return [Number.isInteger(value) && value >= 1, `${key} is ${value}, not from 1`] as const;
    }),
    ...TIMES.map((key) => {
      const value = numbers.get(key);
      return [value >= 0, `${key} is ${value}, not a time from 0`] as const;
    }),
    [Number.isInteger(group.deregistrationDelaySeconds), "the delay is not in whole seconds"],
    [
      group.healthCheckTimeoutSeconds <= interval,
      `a health check's timeout of ${group.healthCheckTimeoutSeconds} s is above its interval`,
    ],
    [group.timeScale > 0, `a time scale is more than 0 and not ${group.timeScale}`],
    [isIp || !/tcp|http/.test(health.check), "targets of type instance can not be checked"],
    [group.inUse || !listener, "a group that no load balancer uses has no listener"],
    [
      (isIp && group.protocol === "TCP") || !listener,
      "only TCP to targets of type ip is forwarded",
    ],
  ];
  return checks.flatMap(([isGood, error]) => isGood ? [] : [error]);
}

/** Whether the number is a TCP port. */
export function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65535;
}
