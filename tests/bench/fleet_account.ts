/**
 * One account's API in virtual time: its token buckets, and a group that many pods share. It makes
 * no mistakes; what it does is refuse.
 */
import type {
  CallOptions,
  ElasticLoadBalancing,
  GroupAttributes,
  Target,
} from "../../lib/aws/elb.ts";
import type { TargetGroup, TargetHealth } from "../../lib/aws/elb.ts";
import { type ApiCall, ApiError } from "../../lib/aws/errors.ts";
import type { VirtualClock } from "../simulation/clock.ts";

/**
 * The limits of one account and region: so many tokens at most, and so many new ones a second.
 * Describing calls: as documented (EC2-style throttling page of Elastic Load Balancing). Changes:
 * what the AWS Load Balancer Controller keeps to (`pkg/aws/throttle/defaults.go`), since AWS does
 * not publish that bucket's size.
 */
export const LIMITS = {
  describe: { burst: 40, perSecond: 10 },
  change: { burst: 20, perSecond: 4 },
} as const;

class Bucket {
  readonly #size: typeof LIMITS[keyof typeof LIMITS];
  #tokens: number;
  #at: number;

  constructor(size: typeof LIMITS[keyof typeof LIMITS], now: number) {
    this.#size = size;
    this.#tokens = size.burst;
    this.#at = now;
  }

  take(now: number): boolean {
    const { burst, perSecond } = this.#size;
    this.#tokens = Math.min(burst, this.#tokens + (now - this.#at) * perSecond / 1_000);
    this.#at = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}

/** From registering to healthy: users report 90 s to three minutes for IP targets. */
export const HEALTHY_AFTER = 90_000;

/** The group that all share. */
export const GROUP =
  "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/fleet/0123456789abcdef";

const HEALTH_CHECK = { enabled: true, intervalSeconds: 30, healthyThreshold: 3 } as const;

/** The account. */
export class Account implements ElasticLoadBalancing {
  /** When each target was registered; absent: it is not. */
  readonly registered = new Map<string, number>();
  calls = 0;
  throttled = 0;
  readonly #clock: VirtualClock;
  #buckets: { readonly describe: Bucket; readonly change: Bucket } | undefined;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  /** From now on calls are counted and limited. */
  begin(): void {
    const now = this.#clock.now();
    this.#buckets = {
      describe: new Bucket(LIMITS.describe, now),
      change: new Bucket(LIMITS.change, now),
    };
  }

  async describeTargetGroups(_which: unknown, options: CallOptions): Promise<TargetGroup[]> {
    await this.#call("DescribeTargetGroups", options);
    return [{
      ...{ arn: GROUP, name: "fleet", targetType: "ip", ipAddressType: "ipv4", port: 80 },
      healthCheck: { ...HEALTH_CHECK, unhealthyThreshold: 3 },
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

  async groupAttributes(_arn: string, options: CallOptions): Promise<GroupAttributes> {
    await this.#call("DescribeTargetGroupAttributes", options);
    return { deregistrationDelay: 300_000, all: {} };
  }

  /** Takes a token and 40 to 120 ms, or is refused after that. */
  async #call(call: ApiCall, { signal, onSend }: CallOptions): Promise<void> {
    signal.throwIfAborted();
    onSend?.();
    const isChange = call === "RegisterTargets" || call === "DeregisterTargets";
    const bucket = this.#buckets?.[isChange ? "change" : "describe"];
    const isGranted = bucket?.take(this.#clock.now()) ?? true;
    if (bucket !== undefined) this.calls++;
    if (!isGranted) this.throttled++;
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
}

const THROTTLED = { code: "Throttling", retryable: true, effect: "none" } as const;
