/** From what the user calls a target group to what the sidecar needs to know of it. */
import type { ElasticLoadBalancing, HealthCheck, Target, TargetGroup } from "../aws/elb.ts";
import { ApiFault, isGroupNotFound } from "../aws/errors.ts";
import { retry } from "../aws/retry.ts";
import type { Clock } from "../host/clock.ts";
import { durationText, type Milliseconds } from "../host/duration.ts";
import { Failure } from "../host/failure.ts";
import type { Log } from "../host/log.ts";

/** A target group that is to be found by its name. */
export interface GroupName {
  readonly by: "name";
  readonly name: string;
}

/** A target group's ARN, and what it tells. */
export interface GroupArn {
  readonly by: "arn";
  readonly arn: string;
  readonly region: string;
  /** `aws`, `aws-cn`, `aws-us-gov` … */
  readonly partition: string;
  readonly name: string;
}

/** A target group as the user names it. */
export type GroupReference = GroupName | GroupArn;

/** A target group that exists, as far as anybody knows. */
export interface Group {
  readonly arn: string;
  readonly name: string;
  readonly healthCheck: HealthCheck;
}

/** Ports and parameters of resolving. */
export interface ResolveOptions {
  readonly elb: ElasticLoadBalancing;
  readonly clock: Clock;
  readonly log: Log;
  /** How long to try at most. */
  readonly time: Milliseconds;
  /** Cuts it short; its reason is thrown. */
  readonly stop: AbortSignal;
  /** The region, for the sentence about a group that is not there; undefined: not given. */
  readonly region: string | undefined;
}

/** An ARN is taken as it is, without a call; so these are a new group's own settings. */
const DEFAULT_HEALTH_CHECK: HealthCheck = {
  enabled: true,
  intervalSeconds: 30,
  healthyThreshold: 5,
  unhealthyThreshold: 2,
};

/** DescribeTargetGroups takes so many names at once. */
const NAMES_IN_A_CALL = 20;

/**
 * Finds the groups, in the order in which they are named.
 * @throws {Failure} A group does not exist or cannot take the target; the API refused; time is up.
 * @throws The reason of `stop`.
 */
export async function resolveGroups(
  references: readonly GroupReference[],
  target: Target,
  options: ResolveOptions,
): Promise<Group[]> {
  const { clock, log } = options;
  const started = clock.now();
  const names = references.flatMap((reference) => reference.by === "name" ? [reference.name] : []);
  const found = await describe(names, options);
  const groups = references.map((reference): Group => {
    if (reference.by === "arn") {
      const { arn, name } = reference;
      return { arn, name, healthCheck: DEFAULT_HEALTH_CHECK };
    }
    const group = found.find((group) => group.name === reference.name);
    if (group === undefined) throw notFound([reference.name], options.region);
    checkType(group, target);
    return group;
  });
  for (const group of groups) {
    log.info("target group resolved", {
      target_group: group.name,
      arn: group.arn,
      took: durationText(clock.now() - started),
    });
  }
  return groups;
}

async function describe(names: readonly string[], options: ResolveOptions): Promise<TargetGroup[]> {
  const signal = options.clock.within(options.time, options.stop);
  const groups: TargetGroup[] = [];
  for (let at = 0; at < names.length; at += NAMES_IN_A_CALL) {
    groups.push(...await describeBatch(names.slice(at, at + NAMES_IN_A_CALL), signal, options));
  }
  return groups;
}

/** The API refuses the whole call when it does not know one name; which one, it does not say. */
async function describeBatch(
  names: readonly string[],
  signal: AbortSignal,
  options: ResolveOptions,
): Promise<TargetGroup[]> {
  const { elb, clock, log, time } = options;
  try {
    return await retry(
      (signal) => elb.describeTargetGroups(names, { signal }),
      { call: "DescribeTargetGroups", clock, log, signal, time, fields: { target_group: names } },
    );
  } catch (error) {
    if (isGroupNotFound(error)) {
      if (names.length === 1) throw notFound(names, options.region);
      const each = names.map((name) => describeBatch([name], signal, options));
      return (await Promise.all(each)).flat();
    }
    if (!(error instanceof ApiFault)) throw error;
    const waited = error.retryable ? ` (tried for ${durationText(time)}, -resolve-timeout)` : "";
    throw new Failure("groupNotResolved", error.message + waited, { cause: error });
  }
}

function notFound(names: readonly string[], region: string | undefined): Failure {
  const where = region === undefined ? "the region of the environment" : `region ${region}`;
  return new Failure(
    "groupNotResolved",
    `target group ${names.join(", ")} does not exist in ${where}: compare the name with ` +
      "`aws elbv2 describe-target-groups --query 'TargetGroups[].TargetGroupName'`, run with the " +
      "pod's own role and region (names are those of one account and region)",
  );
}

/** Better said now than by an InvalidTarget of RegisterTargets. */
function checkType(group: TargetGroup, target: Target): void {
  const type = target.id.startsWith("i-") ? "instance" : "ip";
  if (group.targetType !== type) {
    throw new Failure(
      "groupNotResolved",
      `target group ${group.name} takes targets of type ${group.targetType}, but -target-id ` +
        `${target.id} is of type ${type}: the type of a group cannot be changed, make one of ` +
        `type ${type}`,
    );
  }
  const family = target.id.includes(":") ? "ipv6" : "ipv4";
  if (type === "ip" && group.ipAddressType !== family) {
    throw new Failure(
      "groupNotResolved",
      `target group ${group.name} takes ${group.ipAddressType} addresses, but -target-id ` +
        `${target.id} is ${family}: give the pod's other address (status.podIPs)`,
    );
  }
}
