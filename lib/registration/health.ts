/** What the states and reasons of a target mean. Source: the API's TargetHealth. */
import type { TargetHealth } from "../aws/elb.ts";
import { ApiError, isGroupNotFound } from "../aws/errors.ts";
import type { Milliseconds } from "../host/duration.ts";
import type { LogFields } from "../host/log.ts";

/** What the answers so far prove. */
export type Membership =
  /** Never registered, or drained. */
  | { readonly at: "absent" }
  | { readonly at: "registered" }
  /** It may be registered: an answer is missing. `reason` is the message of the last error. */
  | { readonly at: "unknown"; readonly reason: string }
  /** Deregistered, and not known to be drained. */
  | { readonly at: "draining"; readonly since: Milliseconds };

/** Where one answer says that the target stands in its group. */
export type Seen = "registered" | "draining" | "absent";

/**
 * What an answer says. `unused` alone says nothing: with `Target.NotInUse` (the group has no
 * listener) the target is registered all the same.
 */
export function membershipIn(health: TargetHealth): Seen {
  if (health.reason === "Target.NotRegistered") return "absent";
  return health.state === "draining" ? "draining" : "registered";
}

/** What a poll says, or its error, unless that proves that nothing can be registered. */
export function seenIn(polled: TargetHealth | ApiError): Seen | ApiError {
  if (!(polled instanceof ApiError)) return membershipIn(polled);
  return isGroupNotFound(polled) || polled.code === "InvalidTarget" ? "absent" : polled;
}

/** For log lines. */
export function stateOf({ state, reason, description, override }: TargetHealth): LogFields {
  return { state, reason, description, override };
}

/** Whether no listener uses the group, or the load balancer is not in the target's zone. */
export function isUnused({ reason }: TargetHealth): boolean {
  return reason === "Target.NotInUse";
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
