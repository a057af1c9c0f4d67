/** What the states and reasons of a target mean. Source: the API's TargetHealth. */
import type { TargetHealth } from "../aws/elb.ts";
import { ApiError } from "../aws/errors.ts";

/**
 * Where a target stands in its group. `unused` alone says nothing: with `Target.NotInUse` (the
 * group has no listener) the target is registered all the same.
 */
export type Standing = "registered" | "draining" | "absent";

/** Where the target stands. */
export function standing(health: TargetHealth): Standing {
  if (health.reason === "Target.NotRegistered") return "absent";
  return health.state === "draining" ? "draining" : "registered";
}

/** Whether DescribeTargetHealth failed because there is nothing that could be registered. */
export function saysAbsent(fault: unknown): boolean {
  return fault instanceof ApiError &&
    (fault.code === "TargetGroupNotFound" || fault.code === "InvalidTarget");
}

/** Reasons that waiting does not change, with what does. */
const REMEDIES: Readonly<Record<string, string>> = {
  "Target.NotInUse":
    "no listener forwards to the target group, or the target's zone is not enabled: " +
    "add a listener or a rule, or enable the zone",
  "Target.InvalidState": "the instance is stopped or terminated: start it",
  "Target.IpUnusable": "the address belongs to a load balancer: register the pod's own address",
  "Target.HealthCheckDisabled":
    "health checks are disabled for the target group: enable them, or give -wait-in-service=false",
};

/** What a person has to do, where waiting alone does not make the target healthy. */
export function remedy(health: TargetHealth): string | undefined {
  return health.reason === undefined ? undefined : REMEDIES[health.reason];
}
