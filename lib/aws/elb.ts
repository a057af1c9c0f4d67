/** The few calls of the Elastic Load Balancing v2 API that the sidecar needs, as a port. */
import type { Milliseconds } from "../host/duration.ts";
import type { ApiCall } from "./errors.ts";

/** What is registered: an IP address (or instance id), and its port where it is not the group's. */
export interface Target {
  readonly id: string;
  readonly port?: number;
  readonly availabilityZone?: string;
  /** For RegisterTargets, in groups that serve QUIC. */
  readonly quicServerId?: string;
}

/** How a load balancer checks the targets of a group. */
export interface HealthCheck {
  readonly enabled: boolean;
  /** A number, or `traffic-port`; undefined: not known. */
  readonly port?: string;
  readonly intervalSeconds: number;
  readonly timeoutSeconds?: number;
  /** Of an HTTP check. */
  readonly path?: string;
  readonly healthyThreshold: number;
  readonly unhealthyThreshold: number;
}

/** A target group as DescribeTargetGroups reports it. */
export interface TargetGroup {
  readonly arn: string;
  readonly name: string;
  /** `instance`, `ip`, `lambda` or `alb`; the API may add others. */
  readonly targetType: string;
  /** `ipv4` or `ipv6`. */
  readonly ipAddressType: string;
  /** The port of targets registered without one; absent for lambda groups. */
  readonly port?: number;
  readonly protocol?: string;
  readonly healthCheck: HealthCheck;
  readonly loadBalancerArns: readonly string[];
}

/** Which target groups are meant: some names, or some ARNs. */
export type WhichGroups =
  | { readonly names: readonly string[] }
  | { readonly arns: readonly string[] };

/** The health of one target in one group; state and reason are open sets of strings. */
export interface TargetHealth {
  readonly target: Target;
  readonly state: string;
  readonly reason?: string;
  readonly description?: string;
  /** What sends no new connections to it, whatever its state: `zonal_shift_active` … */
  readonly override?: string;
}

/** A target group's attributes. */
export interface GroupAttributes {
  /** `deregistration_delay.timeout_seconds`, in milliseconds. */
  readonly deregistrationDelay: Milliseconds;
  /** All of them as the API has them. */
  readonly all: Readonly<Record<string, string>>;
}

/** How a call is made. */
export interface CallOptions {
  /** Ends the call at any time, also while it waits for a slot: its promise rejects at once. */
  readonly signal: AbortSignal;
  /**
   * The time of the call itself, once it has one of the slots (`limits.ts`); when it is over, the
   * call fails with a retryable `ApiError`. @default `REQUEST_TIMEOUT`
   */
  readonly timeout?: Milliseconds;
  /**
   * Called when the request is about to go out; until then, ending the call means that the
   * API never hears of it.
   */
  readonly onSend?: () => void;
}

/**
 * The load balancer port. Each method makes one call (a listing: one a page) and tries it once;
 * what fails throws an `ApiError` (`errors.ts`), an ended signal its reason; where the time was up
 * before the request went out, that is an `ApiError` too, since it is not the API that was slow.
 */
export interface ElasticLoadBalancing {
  /** The groups of these names or ARNs. One without a group fails the whole call. */
  describeTargetGroups(which: WhichGroups, options: CallOptions): Promise<TargetGroup[]>;
  registerTarget(groupArn: string, target: Target, options: CallOptions): Promise<void>;
  /** Succeeds where the target is not registered. The port must be the one registered. */
  deregisterTarget(groupArn: string, target: Target, options: CallOptions): Promise<void>;
  describeTargetHealth(
    groupArn: string,
    target: Target,
    options: CallOptions,
  ): Promise<TargetHealth>;
  groupAttributes(groupArn: string, options: CallOptions): Promise<GroupAttributes>;
}

/** A call that is about to be made, and what it is about. */
export interface PlannedCall {
  readonly call: ApiCall;
  readonly resource: WhichGroups | string;
  readonly options: CallOptions;
}

/** Makes a call by `make`, and does something around it. */
export type Around = <T>(
  planned: PlannedCall,
  make: (options: CallOptions) => Promise<T>,
) => Promise<T>;

/** The same port, with something done around each call. */
export function around(elb: ElasticLoadBalancing, wrap: Around): ElasticLoadBalancing {
  return {
    describeTargetGroups: (resource, options) =>
      wrap(
        { call: "DescribeTargetGroups", resource, options },
        (options) => elb.describeTargetGroups(resource, options),
      ),
    registerTarget: (resource, target, options) =>
      wrap(
        { call: "RegisterTargets", resource, options },
        (options) => elb.registerTarget(resource, target, options),
      ),
    deregisterTarget: (resource, target, options) =>
      wrap(
        { call: "DeregisterTargets", resource, options },
        (options) => elb.deregisterTarget(resource, target, options),
      ),
    describeTargetHealth: (resource, target, options) =>
      wrap(
        { call: "DescribeTargetHealth", resource, options },
        (options) => elb.describeTargetHealth(resource, target, options),
      ),
    groupAttributes: (resource, options) =>
      wrap(
        { call: "DescribeTargetGroupAttributes", resource, options },
        (options) => elb.groupAttributes(resource, options),
      ),
  };
}
