/** The actions of the load balancer API: from the parameters to the result. */
import { targetGroupNotFound, tooManyTargets, validationError } from "./errors.ts";
import type { Group, TargetHealth } from "./groups.ts";
import { type Form, missing } from "./query.ts";
import { members, type Xml } from "./replies.ts";
import type { GroupSettings } from "./settings.ts";
import { checkServerId, requestedTarget, TARGET_FIELDS, VPC, zoneOf } from "./target_ids.ts";

/** The account of all ARNs. */
export const ACCOUNT = "123456789012";

/** The ARN of the group of this name. */
export function groupArn(region: string, name: string): string {
  return `arn:aws:elasticloadbalancing:${region}:${ACCOUNT}:targetgroup/${name}/0123456789abcdef`;
}

/** The actions by name: each reads all its parameters, refuses the rest, does its work. */
export const ACTIONS: Readonly<Record<string, (form: Form, groups: readonly Group[]) => Xml>> = {
  DescribeTargetGroups: describeTargetGroups,
  DescribeTargetHealth: describeTargetHealth,
  RegisterTargets: (form, groups) => {
    const { group, targets } = groupAndTargets(form, groups);
    const zones = targets.map((target) => zoneOf(target, group.zone));
    for (const target of targets) checkServerId(target, group.settings, group.serverIds(target));
    if (!group.hasRoomFor(targets)) throw tooManyTargets(group.settings.quota);
    for (const [at, target] of targets.entries()) group.register(target, zones[at]);
    return "";
  },
  DeregisterTargets: (form, groups) => {
    const { group, targets } = groupAndTargets(form, groups);
    for (const target of targets) group.deregister(target);
    return "";
  },
  DescribeTargetGroupAttributes: (form, groups) => {
    const arn = form.required("TargetGroupArn");
    form.refuseRest();
    const attributes = Object.entries(attributesOf(byArn(groups, arn).settings));
    return { Attributes: members(attributes.map(([Key, Value]) => ({ Key, Value }))) };
  },
};

function describeTargetGroups(form: Form, groups: readonly Group[]): Xml {
  const names = form.list("Names");
  const arns = form.list("TargetGroupArns");
  form.refuseRest();
  if (names.length > 0 && arns.length > 0) {
    throw validationError("Names and target group ARNs can not be given together");
  }
  const found = [
    ...names.map((name) => {
      const group = groups.find(({ settings }) => settings.name === name);
      if (group === undefined) throw targetGroupNotFound();
      return group;
    }),
    ...arns.map((arn) => byArn(groups, arn)),
  ];
  const all = names.length + arns.length > 0 ? new Set(found) : groups;
  return { TargetGroups: members([...all].map(describeGroup)) };
}

function groupAndTargets(form: Form, groups: readonly Group[]) {
  const arn = form.required("TargetGroupArn");
  const requested = form.structures("Targets", TARGET_FIELDS);
  form.refuseRest();
  const group = byArn(groups, arn);
  if (requested === undefined) throw missing("Targets");
  if (requested.length === 0) throw validationError("At least one target must be specified");
  return { group, targets: requested.map((fields) => requestedTarget(fields, group.settings)) };
}

function describeTargetHealth(form: Form, groups: readonly Group[]): Xml {
  const arn = form.required("TargetGroupArn");
  const requested = form.structures("Targets", TARGET_FIELDS) ?? [];
  form.refuseRest();
  const group = byArn(groups, arn);
  const targets = requested.map((fields) => requestedTarget(fields, group.settings));
  const found = targets.length === 0 ? group.seen : targets.map((target) => group.health(target));
  return { TargetHealthDescriptions: members(found.map((one) => describeHealth(one, group))) };
}

function describeHealth(health: TargetHealth, { settings }: Group): Xml {
  const { id, port, availabilityZone, quicServerId, state, reason, description } = health;
  const { override } = health;
  return {
    HealthCheckPort: settings.healthCheckPort ?? port,
    Target: {
      Id: id,
      Port: port,
      ...(availabilityZone === undefined ? {} : { AvailabilityZone: availabilityZone }),
      ...(quicServerId === undefined ? {} : { QuicServerId: quicServerId }),
    },
    TargetHealth: {
      State: state,
      ...(reason === undefined ? {} : { Reason: reason }),
      ...(description === undefined ? {} : { Description: description }),
    },
    ...(override === undefined ? {} : { AdministrativeOverride: { State: override } }),
  };
}

function describeGroup({ arn, settings }: Group): Xml {
  const { health } = settings;
  const [prefix] = arn.split(":targetgroup/");
  const loadBalancer = `${prefix}:loadbalancer/net/emulator/0123456789abcdef`;
  return {
    TargetGroupArn: arn,
    TargetGroupName: settings.name,
    Protocol: settings.protocol,
    Port: settings.port,
    VpcId: VPC,
    HealthCheckProtocol: health.check === "http" ? "HTTP" : "TCP",
    HealthCheckPort: settings.healthCheckPort ?? "traffic-port",
    HealthCheckEnabled: health.check !== "none",
    HealthCheckIntervalSeconds: settings.healthCheckIntervalSeconds,
    HealthCheckTimeoutSeconds: settings.healthCheckTimeoutSeconds,
    HealthyThresholdCount: settings.healthyThresholdCount,
    UnhealthyThresholdCount: settings.unhealthyThresholdCount,
    ...(health.check === "http"
      ? { HealthCheckPath: health.path, Matcher: { HttpCode: "200-399" } }
      : {}),
    LoadBalancerArns: members(settings.inUse ? [loadBalancer] : []),
    TargetType: settings.targetType,
    IpAddressType: settings.ipAddressType,
  };
}

/** A target group's attributes, with the defaults that AWS gives to TCP groups. */
function attributesOf(settings: GroupSettings): Record<string, string> {
  const state = "target_health_state.unhealthy";
  return {
    "deregistration_delay.timeout_seconds": `${settings.deregistrationDelaySeconds}`,
    "deregistration_delay.connection_termination.enabled": "false",
    "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
    "preserve_client_ip.enabled": `${settings.targetType === "instance"}`,
    "proxy_protocol_v2.enabled": "false",
    "stickiness.enabled": "false",
    "stickiness.type": "source_ip",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": "1",
    [`${state}.connection_termination.enabled`]: `${settings.unhealthyConnectionTermination}`,
    [`${state}.draining_interval_seconds`]: "0",
  };
}

/** @throws {AwsError} Where the ARN is none of this region and account, or of no group. */
function byArn(groups: readonly Group[], arn: string): Group {
  const [, region, account] =
    /^arn:[\w-]+:elasticloadbalancing:([\w-]+):(\d{12}):targetgroup\/[\w-]+\/\w+$/.exec(arn) ?? [];
  const [own] = groups;
  const isOwn = account === ACCOUNT && (own === undefined || own.arn.split(":")[3] === region);
  if (!isOwn) throw validationError(`'${arn}' is not a valid target group ARN`);
  const group = groups.find((one) => one.arn === arn);
  if (group === undefined) throw targetGroupNotFound(arn);
  return group;
}
