/** The actions of the load balancer API: from the parameters to the result. */
import { AwsError, targetGroupNotFound, tooManyTargets, validationError } from "./errors.ts";
import type { Group, TargetQuery } from "./groups.ts";
import type { TargetState } from "./states.ts";
import { describeGroup, groupAttributes, loadBalancerArn } from "./group_xml.ts";
import type { Form } from "./query.ts";
import { missing } from "./query.ts";
import type { Xml } from "./replies.ts";
import { members } from "./replies.ts";
import { requestedTarget, TARGET_FIELDS } from "./target_ids.ts";
import type { RequestedTarget } from "./target_ids.ts";

/** An action: reads all its parameters, refuses the rest, does its work. */
export type Action = (form: Form, groups: readonly Group[]) => Xml;

/** The actions by name. */
export const ACTIONS: Readonly<Record<string, Action>> = {
  DescribeTargetGroups: describeTargetGroups,
  DescribeTargetHealth: describeTargetHealth,
  RegisterTargets: registerTargets,
  DeregisterTargets: deregisterTargets,
  DescribeTargetGroupAttributes: describeTargetGroupAttributes,
  DescribeTags: describeTags,
};

function describeTargetGroups(form: Form, groups: readonly Group[]): Xml {
  const names = form.list("Names") ?? [];
  const arns = form.list("TargetGroupArns") ?? [];
  const loadBalancer = form.text("LoadBalancerArn");
  const marker = form.text("Marker");
  const pageSize = form.number("PageSize", 1, 400) ?? 400;
  form.refuseRest();
  if ([names.length > 0, arns.length > 0, loadBalancer !== undefined].filter(Boolean).length > 1) {
    throw validationError("Only one of names, target group ARNs and load balancer can be given");
  }
  const found = names.length > 0
    ? names.map((name) => theOne(groups.find((group) => group.settings.name === name)))
    : arns.length > 0
    ? arns.map((arn) => byArn(groups, arn))
    : ofLoadBalancer(groups, loadBalancer);
  return page([...new Set(found)], pageSize, marker);
}

function page(found: readonly Group[], pageSize: number, marker: string | undefined): Xml {
  const start = marker === undefined ? 0 : placeOf(marker, found.length);
  const end = start + pageSize;
  const groups = found.slice(start, end).map(describeGroup);
  return {
    TargetGroups: members(groups),
    ...(end < found.length ? { NextMarker: btoa(`from ${end}`) } : {}),
  };
}

function placeOf(marker: string, count: number): number {
  const place = /^[A-Za-z0-9+/]+=*$/.test(marker) && marker.length % 4 === 0
    ? Number(/^from (\d+)$/.exec(atob(marker))?.[1])
    : NaN;
  if (!(place <= count)) throw validationError(`Marker '${marker}' is not valid`);
  return place;
}

function ofLoadBalancer(groups: readonly Group[], arn: string | undefined): readonly Group[] {
  if (arn === undefined) return groups;
  if (arn !== loadBalancerArn(groups[0]?.arn ?? "")) {
    throw new AwsError("LoadBalancerNotFound", 400, `Load balancer '${arn}' not found`);
  }
  return groups.filter((group) => group.settings.inUse);
}

function registerTargets(form: Form, groups: readonly Group[]): Xml {
  const { group, targets } = groupAndTargets(form, groups);
  if (!group.hasRoomFor(targets)) throw tooManyTargets(group.settings.quota);
  for (const target of targets) group.register(target, target.availabilityZone);
  return "";
}

function deregisterTargets(form: Form, groups: readonly Group[]): Xml {
  const { group, targets } = groupAndTargets(form, groups);
  for (const target of targets) group.deregister(target);
  return "";
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
  const include = form.list("Include") ?? [];
  form.refuseRest();
  const unknown = include.find((item) => item !== "AnomalyDetection" && item !== "All");
  if (unknown !== undefined) throw validationError(`Include '${unknown}' is not valid`);
  const group = byArn(groups, arn);
  const targets: RequestedTarget[] = requested.map((fields) =>
    requestedTarget(fields, group.settings)
  );
  const told = targets.length === 0 ? group.seen : targets.map((target) => group.health(target));
  return {
    TargetHealthDescriptions: members(
      told.map((registration) => describeHealth(registration, group, include.length > 0)),
    ),
  };
}

function describeHealth(
  registration: TargetQuery & TargetState,
  group: Group,
  anomalies: boolean,
): Xml {
  const { id, port, availabilityZone, state, reason, description } = registration;
  return {
    HealthCheckPort: group.settings.healthCheckPort ?? port,
    Target: {
      Id: id,
      Port: port,
      ...(availabilityZone === undefined ? {} : { AvailabilityZone: availabilityZone }),
    },
    TargetHealth: {
      State: state,
      ...(reason === undefined ? {} : { Reason: reason }),
      ...(description === undefined ? {} : { Description: description }),
    },
    ...(anomalies ? { AnomalyDetection: { Result: "normal", MitigationInEffect: "no" } } : {}),
  };
}

function describeTargetGroupAttributes(form: Form, groups: readonly Group[]): Xml {
  const arn = form.required("TargetGroupArn");
  form.refuseRest();
  const attributes = groupAttributes(byArn(groups, arn).settings);
  return { Attributes: keysAndValues(attributes) };
}

function describeTags(form: Form, groups: readonly Group[]): Xml {
  const arns = form.list("ResourceArns");
  form.refuseRest();
  if (arns === undefined || arns.length === 0) throw missing("ResourceArns");
  if (arns.length > 20) throw validationError("At most 20 resources can be described at once");
  return {
    TagDescriptions: members(
      arns.map((arn) => ({
        ResourceArn: arn,
        Tags: keysAndValues(byArn(groups, arn).settings.tags),
      })),
    ),
  };
}

function keysAndValues(record: Readonly<Record<string, string>>): Xml {
  return members(Object.entries(record).map(([Key, Value]) => ({ Key, Value })));
}

/** @throws {AwsError} Where the ARN is none of a target group, or of none that there is. */
function byArn(groups: readonly Group[], arn: string): Group {
  if (!/^arn:[\w-]+:elasticloadbalancing:[\w-]+:\d{12}:targetgroup\/[\w-]+\/\w+$/.test(arn)) {
    throw validationError(`'${arn}' is not a valid target group ARN`);
  }
  return theOne(groups.find((group) => group.arn === arn), arn);
}

function theOne(group: Group | undefined, arn?: string): Group {
  if (group === undefined) throw targetGroupNotFound(arn);
  return group;
}
