/** The load balancer port with a meter in it. */
import { around, type ElasticLoadBalancing } from "./elb.ts";
import { type ApiCall, ApiError } from "./errors.ts";

/** Counts calls. */
export interface CallMeter {
  /** A call has ended; `result`: `ok`, the error's code, or `GivenUp` where its time was up. */
  readonly onCall: (action: ApiCall, result: string) => void;
  /** A call is made again: the last one of its kind failed with an error that may pass. */
  readonly onRetry: (action: ApiCall) => void;
}

/** Meters the calls that go through a load balancer port. */
export function measured(elb: ElasticLoadBalancing, meter: CallMeter): ElasticLoadBalancing {
  /** Call and resource of those that failed when they were made last: one entry a group at most. */
  const failed = new Set<string>();
  return around(elb, async ({ call, resource, options }, make) => {
    const key = `${call} ${JSON.stringify(resource)}`;
    if (failed.delete(key)) meter.onRetry(call);
    try {
      const result = await make(options);
      meter.onCall(call, "ok");
      return result;
    } catch (error) {
      // A call that was given up had the time of one attempt; the next one is a retry.
      const isFinal = error instanceof ApiError && !error.retryable;
      if (!isFinal) failed.add(key);
      meter.onCall(call, error instanceof ApiError ? error.code : "GivenUp");
      throw error;
    }
  });
}
