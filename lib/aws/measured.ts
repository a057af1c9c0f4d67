/** Counts the calls that go through a load balancer port. */
import { around, type ElasticLoadBalancing } from "./elb.ts";
import { type ApiCall, ApiError } from "./errors.ts";

/** Counts calls. */
export interface CallMeter {
  /** A call has ended; `result`: `ok`, the error's code, or `GivenUp` where its time was up. */
  readonly onCall: (action: ApiCall, result: string) => void;
  /** A call is made again: the last one of its kind failed with an error that may pass. */
  readonly onRetry: (action: ApiCall) => void;
}

/** The same port, with its calls counted. */
export function measured(elb: ElasticLoadBalancing, meter: CallMeter): ElasticLoadBalancing {
  /** Calls, with their resource, that failed the last time. */
  const failed = new Set<string>();
  return around(elb, async ({ call, resource, options }, make) => {
    const key = `${call} ${JSON.stringify(resource)}`;
    if (failed.delete(key)) meter.onRetry(call);
    try {
      const result = await make(options);
      meter.onCall(call, "ok");
      return result;
    } catch (error) {
      // A call without an answer in its time is retried too.
      const isFinal = error instanceof ApiError && !error.retryable;
      if (!isFinal) failed.add(key);
      meter.onCall(call, error instanceof ApiError ? error.code : "GivenUp");
      throw error;
    }
  });
}
