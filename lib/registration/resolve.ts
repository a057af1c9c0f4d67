/** From what the user calls a target group to what the sidecar needs to know of it. */
import type { ElasticLoadBalancing, HealthCheck, Target, TargetGroup } from "../aws/elb.ts";
import { ApiError, isGroupNotFound } from "../aws/errors.ts";
import { retry } from "../aws/retry.ts";
import { type GroupReference, targetKind, type TargetOptions } from "../config/target.ts";
import type { Clock } from "../host/clock.ts";
import { durationText, type Milliseconds } from "../host/duration.ts";
import { Failure } from "../host/exit.ts";
import type { Log } from "../host/log.ts";

/** A target group that exists, as far as anybody knows; more is known where it was looked up. */
export type Group =
  & Pick<TargetGroup, "arn" | "name" | "healthCheck">
  & Partial<TargetGroup>;

/** What is to be registered where. */
export interface Attachment {
  readonly group: Group;
  readonly target: Target;
}

/** Ports and parameters of resolving. */
export interface ResolveOptions {
  readonly elb: Pick<ElasticLoadBalancing, "describeTargetGroups">;
  readonly clock: Clock;
  readonly log: Log;
  /** How long to try at most. */
  readonly time: Milliseconds;
  /** Cuts it short; its reason is thrown. */
  readonly stop: AbortSignal;
  /** The region, for the message about a group that is not there; undefined: not given. */
  readonly region: string | undefined;
}

/**
 * An ARN is taken as it is, without a call; so its settings are not known. The interval is that of
 * a new group, and nothing can be concluded from a healthy threshold of one check.
 */
const DEFAULT_HEALTH_CHECK: HealthCheck = {
  enabled: true,
  intervalSeconds: 30,
  healthyThreshold: 1,
  unhealthyThreshold: 2,
};

const ADDRESSES: Readonly<Record<string, string>> = { ipv4: "IPv4", ipv6: "IPv6" };

/** DescribeTargetGroups takes so many names or ARNs at once. */
const IDS_IN_A_CALL = 20;

/**
 * Finds the groups, and says what is to be registered with each, in the order given.
 * @throws {Failure} A group does not exist or cannot take the target; the API refused; time is up.
 * @throws The reason of `stop`.
 */
export async function resolveGroups(
  references: readonly GroupReference[],
  target: TargetOptions,
  options: ResolveOptions,
): Promise<Attachment[]> {
  const { clock, log } = options;
  const started = clock.now();
  const needsLookup = target.lookUp || target.ids.length > 1;
  const found = await describe(references, needsLookup, options);
  const attachments = references.map((reference): Attachment => {
    const group = found.find((one) => one[reference.by] === idOf(reference));
    if (group !== undefined) {
      if (target.quicServerId === undefined && group.protocol?.includes("QUIC")) {
        throw new Failure("groupNotResolved", lacksServerId(group));
      }
      return { group, target: targetIn(group, idFor(group, target.ids), reference, target) };
    }
    if (reference.by === "name" || needsLookup) throw notFound([idOf(reference)], options.region);
    const { arn, name } = reference;
    const unknown = { arn, name, healthCheck: DEFAULT_HEALTH_CHECK };
    return { group: unknown, target: targetIn(unknown, target.ids[0] ?? "", reference, target) };
  });
  refuseTwice(attachments);
  for (const { group, target } of attachments) {
    log.info("target group resolved", {
      target_group: group.name,
      arn: group.arn,
      target: target.id,
      port: target.port ?? group.port,
      took: durationText(clock.now() - started),
    });
  }
  return attachments;
}

function lacksServerId({ name, protocol }: TargetGroup): string {
  return `target group ${name} serves ${protocol}: set -quic-server-id to the ID that the ` +
    "application puts into its connection IDs";
}

function targetIn(
  group: Group,
  id: string,
  reference: GroupReference,
  { port: portOfAll, availabilityZone }: TargetOptions,
): Target {
  const port = reference.port ?? portOfAll;
  // A port that is the group's own is left out: the API takes both for the same target.
  return {
    id,
    ...(port !== undefined && port !== group.port && { port }),
    ...(availabilityZone !== undefined && { availabilityZone }),
  };
}

/** `kafka` and `kafka:9092` are the same target where 9092 is the group's own port. */
function refuseTwice(attachments: readonly Attachment[]): void {
  attachments.forEach(({ group, target }, at) => {
    const twice = attachments.slice(0, at).some((other) =>
      other.group.arn === group.arn && other.target.port === target.port
    );
    if (!twice) return;
    throw new Failure(
      "groupNotResolved",
      `target group ${group.name} is given twice with the same port ` +
        `(${target.port ?? group.port}): give it once`,
    );
  });
}

function idOf(reference: GroupReference): string {
  return reference.by === "name" ? reference.name : reference.arn;
}

/** Ids of one kind. */
interface Ids {
  readonly by: GroupReference["by"];
  readonly ids: readonly string[];
}

async function describe(
  references: readonly GroupReference[],
  needsLookup: boolean,
  options: ResolveOptions,
): Promise<TargetGroup[]> {
  const signal = options.clock.within(options.time, options.stop);
  const groups: TargetGroup[] = [];
  for (const by of needsLookup ? ["name", "arn"] as const : ["name"] as const) {
    const all = references.filter((reference) => reference.by === by).map(idOf);
    const left = [...new Set(all)];
    while (left.length > 0) {
      const batch = { by, ids: left.splice(0, IDS_IN_A_CALL) };
      const { found, unknown } = await describeBatch(batch, signal, options);
      if (unknown.length > 0) throw notFound(unknown, options.region);
      groups.push(...found);
    }
  }
  return groups;
}

/**
 * The API refuses the whole call when it does not know one group, and does not say which: halves the
 * list until that is known.
 */
async function describeBatch(
  { by, ids }: Ids,
  signal: AbortSignal,
  options: ResolveOptions,
): Promise<{ readonly found: readonly TargetGroup[]; readonly unknown: readonly string[] }> {
  try {
    return { found: await request({ by, ids }, signal, options), unknown: [] };
  } catch (error) {
    if (!isGroupNotFound(error)) throw error;
  }
  if (ids.length === 1) return { found: [], unknown: ids };
  const parts = [];
  for (const half of [ids.slice(0, ids.length / 2), ids.slice(ids.length / 2)]) {
    parts.push(await describeBatch({ by, ids: half }, signal, options));
  }
  return {
    found: parts.flatMap(({ found }) => found),
    unknown: parts.flatMap(({ unknown }) => unknown),
  };
}

/** One call, tried until the time is up. @throws {ApiError} A group does not exist. */
async function request(
  { by, ids }: Ids,
  signal: AbortSignal,
  { elb, clock, log, time }: ResolveOptions,
): Promise<TargetGroup[]> {
  const which = by === "name" ? { names: ids } : { arns: ids };
  const fields = { target_group: ids };
  try {
    return await retry(
      (attempt) => elb.describeTargetGroups(which, attempt),
      { call: "DescribeTargetGroups", clock, log, signal, time, fields },
    );
  } catch (error) {
    if (!(error instanceof ApiError) || isGroupNotFound(error)) throw error;
    const waited = error.retryable && time < Infinity
      ? ` (tried for ${durationText(time)}, -resolve-timeout)`
      : "";
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

/** Groups whose targets are no pods, by protocol or target type. */
const OTHER_KINDS: Readonly<Record<string, string>> = {
  GENEVE: "belongs to a Gateway Load Balancer, whose targets are network appliances",
  alb: "takes an Application Load Balancer as its target",
  lambda: "takes a Lambda function as its target",
};

/** Whether all that clients send is a TCP connection; so it is where the protocol is not known. */
export function isTcp({ protocol = "TCP" }: Pick<TargetGroup, "protocol">): boolean {
  return !/UDP|QUIC/.test(protocol);
}

/** What to tell of a group that is not all TCP, where connections are to be counted. */
export function unseenTraffic({ name, protocol }: Pick<TargetGroup, "name" | "protocol">): string {
  return `-wait-idle counts TCP connections only, and ${name} serves ${protocol}: the drain ends when ` +
    "the API reports the target as drained, whatever clients still send";
}

/**
 * The id that the group takes: better said now than by an InvalidTarget of RegisterTargets.
 * @throws {Failure} None is of the group's type.
 */
function idFor(group: TargetGroup, ids: readonly string[]): string {
  const other = OTHER_KINDS[group.protocol ?? ""] ?? OTHER_KINDS[group.targetType];
  if (other !== undefined) {
    const message =
      `target group ${group.name} ${other}: use one of a Network or Application Load ` +
      "Balancer, with target type ip";
    throw new Failure("groupNotResolved", message);
  }
  const wanted = group.targetType === "ip" ? group.ipAddressType : group.targetType;
  const id = ids.find((id) => targetKind(id) === wanted);
  if (id !== undefined) return id;
  const remedy = group.targetType === "ip"
    ? `set it to the pod's ${ADDRESSES[group.ipAddressType]} address, or to both (status.podIPs)`
    : "the type of a group cannot be changed, use a group of type ip";
  throw new Failure(
    "groupNotResolved",
    `target group ${group.name} takes ${ADDRESSES[wanted] ?? wanted} targets, but -target-id is ` +
      `${ids.join(",")}: ${remedy}`,
  );
}
