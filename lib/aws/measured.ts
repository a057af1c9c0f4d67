/** The load balancer port with a meter in it. */
import type { ElasticLoadBalancing } from "./elb.ts";
import { type ApiCall, ApiError } from "./errors.ts";

/** Told of every call. */
export interface CallMeter {
  /** A call has ended; `result`: `ok`, the fault's code, or `GivenUp` where its time was up. */
  readonly onCall: (action: ApiCall, result: string) => void;
  /** A call is made whose like has just failed with a fault that may pass. */
  readonly onRetry: (action: ApiCall) => void;
}

/** Meters the calls that go through a load balancer port. */
export function measured(elb: ElasticLoadBalancing, meter: CallMeter): ElasticLoadBalancing {
  /** Call and resource of those that failed when they were made last: one entry a group at most. */
  const failed = new Set<string>();

  function metered<Resource, Rest extends unknown[], Result>(
    action: ApiCall,
    call: (resource: Resource, ...rest: Rest) => Promise<Result>,
  ): typeof call {
    return async (resource, ...rest) => {
      const key = `${action} ${JSON.stringify(resource)}`;
      if (failed.delete(key)) meter.onRetry(action);
      try {
        const result = await call(resource, ...rest);
        meter.onCall(action, "ok");
        return result;
      } catch (error) {
        // A call that was given up had the time of one attempt; the next one is a retry.
        const isFinal = error instanceof ApiError && !error.retryable;
        if (!isFinal) failed.add(key);
        meter.onCall(action, error instanceof ApiError ? error.code : "GivenUp");
        throw error;
      }
    };
  }

  return {
    describeTargetGroups: metered(
      "DescribeTargetGroups",
      (which, options) => elb.describeTargetGroups(which, options),
    ),
    registerTarget: metered(
      "RegisterTargets",
      (groupArn, target, options) => elb.registerTarget(groupArn, target, options),
    ),
    deregisterTarget: metered(
      "DeregisterTargets",
      (groupArn, target, options) => elb.deregisterTarget(groupArn, target, options),
    ),
    describeTargetHealth: metered(
      "DescribeTargetHealth",
      (groupArn, target, options) => elb.describeTargetHealth(groupArn, target, options),
    ),
    deregistrationDelay: metered(
      "DescribeTargetGroupAttributes",
      (groupArn, options) => elb.deregistrationDelay(groupArn, options),
    ),
  };
}
