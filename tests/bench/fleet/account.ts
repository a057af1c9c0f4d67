/**
 * One account's API in virtual time: its token buckets, and a group that many pods share. It makes
 * no mistakes; what it does is refuse.
 */
import type { CallOptions, ElasticLoadBalancing, Target } from "../../../lib/aws/elb.ts";
import type { TargetGroup, TargetHealth } from "../../../lib/aws/elb.ts";
import { type ApiCall, ApiError } from "../../../lib/aws/errors.ts";
import type { SimulatedClock } from "../../simulation/clock.ts";

/** A bucket: so many tokens at most, and so many new ones a second. */
export interface BucketSize {
  readonly burst: number;
  readonly perSecond: number;
}

/**
 * The limits of one account and region. Describing calls: as documented (EC2-style throttling page
 * of Elastic Load Balancing). Changes: what the AWS Load Balancer Controller keeps to
 * (`pkg/aws/throttle/defaults.go`), since AWS does not publish that bucket's size.
 */
export const LIMITS = {
  describe: { burst: 40, perSecond: 10 },
  change: { burst: 20, perSecond: 4 },
} as const satisfies Readonly<Record<string, BucketSize>>;

class Bucket {
  readonly #size: BucketSize;
  readonly #clock: SimulatedClock;
  #tokens: number;
  #at: number;

  constructor(size: BucketSize, clock: SimulatedClock) {
    this.#size = size;
    this.#clock = clock;
    this.#tokens = size.burst;
    this.#at = clock.now();
  }

  take(): boolean {
    const now = this.#clock.now();
    const { burst, perSecond } = this.#size;
    this.#tokens = Math.min(burst, this.#tokens + (now - this.#at) * perSecond / 1_000);
    this.#at = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}

/** Calls in one second of the run. */
export interface Second {
  done: number;
  throttled: number;
}

/** From registering to healthy: users report 90 s to three minutes for IP targets. */
export const HEALTHY_AFTER = 90_000;

const ARN =
  "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/fleet/0123456789abcdef";

/** The account. */
export class Account implements ElasticLoadBalancing {
  /** When each target was registered; absent: it is not. */
  readonly registered = new Map<string, number>();
  readonly seconds: Second[] = [];
  calls = 0;
  throttled = 0;
  readonly #clock: SimulatedClock;
  #buckets: { describe: Bucket; change: Bucket } | undefined;
  #began = 0;

  constructor(clock: SimulatedClock) {
    this.#clock = clock;
  }

  /** From now on calls are counted and limited. */
  begin(): void {
    const clock = this.#clock;
    this.#began = clock.now();
    this.#buckets = {
      describe: new Bucket(LIMITS.describe, clock),
      change: new Bucket(LIMITS.change, clock),
    };
  }

  async describeTargetGroups(_which: unknown, options: CallOptions): Promise<TargetGroup[]> {
    await this.#call("DescribeTargetGroups", options);
    const healthCheck = {
      enabled: true,
      intervalSeconds: 30,
      healthyThreshold: 3,
      unhealthyThreshold: 3,
    };
    return [{
      arn: ARN,
      name: "fleet",
      targetType: "ip",
      ipAddressType: "ipv4",
      port: 80,
      healthCheck,
      loadBalancerArns: ["lb"],
    }];
  }

  async registerTarget(_arn: string, { id }: Target, options: CallOptions): Promise<void> {
    await this.#call("RegisterTargets", options);
    if (!this.registered.has(id)) this.registered.set(id, this.#clock.now());
  }

  async deregisterTarget(_arn: string, { id }: Target, options: CallOptions): Promise<void> {
    await this.#call("DeregisterTargets", options);
    this.registered.delete(id);
  }

  async describeTargetHealth(
    _arn: string,
    target: Target,
    options: CallOptions,
  ): Promise<TargetHealth> {
    await this.#call("DescribeTargetHealth", options);
    const since = this.registered.get(target.id);
    if (since === undefined) return { target, state: "unused", reason: "Target.NotRegistered" };
    return this.#clock.now() >= since + HEALTHY_AFTER
      ? { target, state: "healthy" }
      : { target, state: "initial", reason: "Elb.RegistrationInProgress" };
  }

  async deregistrationDelay(_arn: string, options: CallOptions): Promise<number> {
    await this.#call("DescribeTargetGroupAttributes", options);
    return 300_000;
  }

  /** Takes a token and 40 to 120 ms, or is refused after that. */
  async #call(call: ApiCall, { signal, onSend }: CallOptions): Promise<void> {
    signal.throwIfAborted();
    onSend?.();
    const isChange = call === "RegisterTargets" || call === "DeregisterTargets";
    const isGranted = this.#buckets?.[isChange ? "change" : "describe"].take() ?? true;
    this.#count(isGranted);
    const answer = Promise.withResolvers<void>();
    this.#clock.after(40 + 80 * this.#clock.random(), () => {
      if (isGranted) answer.resolve();
      else answer.reject(new ApiError("Rate exceeded", { call, ...THROTTLED }));
    });
    const giveUp = () => answer.reject(signal.reason);
    signal.addEventListener("abort", giveUp, { once: true });
    try {
      await answer.promise;
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
  }

  #count(isGranted: boolean): void {
    if (this.#buckets === undefined) return;
    this.calls++;
    if (!isGranted) this.throttled++;
    const at = Math.floor((this.#clock.now() - this.#began) / 1_000);
    while (this.seconds.length <= at) this.seconds.push({ done: 0, throttled: 0 });
    const second = this.seconds[at];
    if (second === undefined) return;
    if (isGranted) second.done++;
    else second.throttled++;
  }
}

const THROTTLED = { code: "Throttling", retryable: true, effect: "none" } as const;

/** The ARN of the group that all share. */
export const GROUP = ARN;
