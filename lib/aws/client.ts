/** The load balancer port, implemented with the AWS SDK. */
import {
  DeregisterTargetsCommand,
  type DeregisterTargetsInput,
  DescribeTargetGroupAttributesCommand,
  DescribeTargetGroupsCommand,
  DescribeTargetHealthCommand,
  RegisterTargetsCommand,
  type ServiceInputTypes,
  type ServiceOutputTypes,
  type TargetDescription,
  type TargetGroup as SdkTargetGroup,
  type TargetHealthDescription,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import type {
  CallOptions,
  ElasticLoadBalancing,
  GroupAttributes,
  Target,
  TargetGroup,
  TargetHealth,
  WhichGroups,
} from "./elb.ts";
import { abortable } from "@std/async/abortable";
import { isTimeout, systemClock } from "../host/clock.ts";
import type { Milliseconds } from "../host/duration.ts";
import type { Log } from "../host/log.ts";
import { credentialsTooSlow } from "./credentials/errors.ts";
import { type ApiCall, ApiError } from "./errors.ts";
import { areTemporary, keepFresh } from "./credentials/refresh.ts";
import { ReplyCheckingHandler } from "./handler.ts";
import { readable, word } from "./redact.ts";
import {
  type ClientOptions,
  createSdkClient,
  rehearse,
  type SdkCommand,
  type SignedClient,
} from "./sdk_client.ts";
import { refusesCredentials, toApiError } from "./sdk_errors.ts";

/** A target group's attribute, in seconds, 0 to 3600. */
const DEREGISTRATION_DELAY = "deregistration_delay.timeout_seconds";

/** Bounds a listing: it is for twenty groups at most, which fit on one page. */
const MAX_PAGES = 10;

/** The least time between two renewals of credentials that the API refuses. */
const RENEWAL_PAUSE: Milliseconds = 5_000;

/** A call to make, and what an error message names of it. */
interface Call extends CallOptions {
  readonly call: ApiCall;
  /** An ARN, or names. */
  readonly resource: string;
}

/**
 * The AWS SDK behind the port. It fetches credentials from the SDK's default chain at its first
 * call. Dispose of it to close its connections.
 */
export class SdkLoadBalancing implements ElasticLoadBalancing, Disposable {
  readonly #ended = new AbortController();
  readonly #sdkClient: () => SignedClient;
  readonly #handler: ReplyCheckingHandler;
  #current: SignedClient;
  #renewedAt = -Infinity;
  /** The input that deregisters the target that was registered first. */
  #ready: DeregisterTargetsInput | undefined;

  constructor(options: ClientOptions, log: Pick<Log, "warn">) {
    this.#handler = new ReplyCheckingHandler((message) => log.warn(message));
    this.#sdkClient = () => createSdkClient(options, this.#handler, log);
    this.#current = this.#sdkClient();
  }

  [Symbol.dispose](): void {
    this.#ended.abort();
    this.#handler.destroy();
  }

  async describeTargetGroups(which: WhichGroups, options: CallOptions): Promise<TargetGroup[]> {
    const filter = "names" in which
      ? { Names: [...which.names] }
      : { TargetGroupArns: [...which.arns] };
    const resource = Object.values(filter).flat().join(",");
    const groups: TargetGroup[] = [];
    let marker: string | undefined;
    let pages = 0;
    do {
      const command = new DescribeTargetGroupsCommand({ ...filter, Marker: marker });
      const page = await this.#call(command, {
        call: "DescribeTargetGroups",
        resource,
        ...options,
      });
      groups.push(...(page.TargetGroups ?? []).map(toTargetGroup));
      marker = page.NextMarker;
    } while (marker && ++pages < MAX_PAGES);
    return groups;
  }

  async registerTarget(groupArn: string, target: Target, options: CallOptions): Promise<void> {
    const input = inGroup(groupArn, target);
    const command = new RegisterTargetsCommand({
      ...input,
      Targets: input.Targets.map((one) => ({ ...one, QuicServerId: target.quicServerId })),
    });
    await this.#call(command, { call: "RegisterTargets", resource: groupArn, ...options });
    this.#beReady(input);
  }

  async deregisterTarget(groupArn: string, target: Target, options: CallOptions): Promise<void> {
    const command = new DeregisterTargetsCommand(inGroup(groupArn, target));
    await this.#call(command, { call: "DeregisterTargets", resource: groupArn, ...options });
  }

  async describeTargetHealth(
    groupArn: string,
    target: Target,
    options: CallOptions,
  ): Promise<TargetHealth> {
    const call = "DescribeTargetHealth";
    // By id and port alone: with another zone than the recorded one, the API finds nothing
    // (aws-load-balancer-controller #4544).
    const { availabilityZone: _, ...named } = target;
    const command = new DescribeTargetHealthCommand(inGroup(groupArn, named));
    const reply = await this.#call(command, { call, resource: groupArn, ...options });
    const description = reply.TargetHealthDescriptions?.find((one) => one.Target?.Id === target.id);
    if (description?.TargetHealth?.State === undefined) throw saysNothing(call, target.id);
    return toTargetHealth(target, description);
  }

  async groupAttributes(groupArn: string, options: CallOptions): Promise<GroupAttributes> {
    const call = "DescribeTargetGroupAttributes";
    const command = new DescribeTargetGroupAttributesCommand({ TargetGroupArn: groupArn });
    const reply = await this.#call(command, { call, resource: groupArn, ...options });
    const all = Object.fromEntries(
      (reply.Attributes ?? []).map(({ Key = "", Value = "" }) => [Key, Value]),
    );
    const seconds = Number(all[DEREGISTRATION_DELAY] || NaN);
    if (!(seconds >= 0 && seconds <= 3_600)) throw saysNothing(call, DEREGISTRATION_DELAY);
    return { deregistrationDelay: seconds * 1_000, all };
  }

  /** @throws {ApiError} Or the signal's reason; but an ApiError where credentials were too slow. */
  async #call<I extends ServiceInputTypes, O extends ServiceOutputTypes>(
    command: SdkCommand<I, O>,
    { call, resource, signal, onSend }: Call,
  ): Promise<O> {
    signal.throwIfAborted();
    const current = this.#current;
    const { client, logger } = current;
    let sent = false;
    this.#handler.announce(signal, () => {
      sent = true;
      onSend?.();
    });
    try {
      // The SDK ignores the signal until it has credentials.
      return await abortable(client.send(command, { abortSignal: signal }), signal);
    } catch (error) {
      if (!signal.aborted) {
        const source = logger.lastSource;
        const renewable = sent && refusesCredentials(error) &&
          await abortable(this.#renew(current), signal).catch(() => true);
        throw toApiError(error, { call, resource, sent, source, renewable });
      }
      if (sent || !isTimeout(signal.reason)) throw signal.reason;
      this.#startAfresh(current);
      throw credentialsTooSlow(call, logger.lastSource);
    }
  }

  /** Prepares DeregisterTargets again after memory was released, if a target was registered. */
  warmUp(): void {
    if (this.#ready !== undefined) rehearse(this.#current.client, this.#ready);
  }

  /**
   * Deregistering comes next, at an unknown moment, and has to be quick. This runs in the
   * background until the client is disposed of.
   */
  #beReady(input: DeregisterTargetsInput): void {
    if (this.#ready !== undefined) return;
    this.#ready = input;
    this.warmUp();
    keepFresh(() => this.#current.credentials(), systemClock, this.#ended.signal);
  }

  /**
   * Renews credentials that the API refuses: the role was recreated, or a key rotated, and their
   * source may have good ones by now.
   * @returns Whether a later call may be signed with other credentials.
   */
  async #renew(current: SignedClient): Promise<boolean> {
    const refused = await current.credentials();
    const now = systemClock.now();
    if (now - this.#renewedAt >= RENEWAL_PAUSE && this.#current === current) {
      this.#renewedAt = now;
      this.#startAfresh(current);
    }
    if (areTemporary(refused)) return true;
    const { accessKeyId, secretAccessKey } = await this.#current.credentials();
    return accessKeyId !== refused.accessKeyId || secretAccessKey !== refused.secretAccessKey;
  }

  /** An SDK client caches its credentials, and all its calls wait for one fetch, which may hang. */
  #startAfresh(current: SignedClient): void {
    if (this.#current === current) this.#current = this.#sdkClient();
  }
}

function saysNothing(call: ApiCall, what: string): ApiError {
  return new ApiError(`the reply does not contain ${what}`, {
    call,
    code: "UnexpectedReply",
    retryable: true,
    effect: "none",
  });
}

/** The SDK leaves out what is undefined. */
function inGroup(groupArn: string, { id, port, availabilityZone }: Target) {
  const description: TargetDescription = { Id: id, Port: port, AvailabilityZone: availabilityZone };
  return { TargetGroupArn: groupArn, Targets: [description] };
}

function toTargetGroup(group: SdkTargetGroup): TargetGroup {
  return {
    arn: group.TargetGroupArn ?? "",
    name: group.TargetGroupName ?? "",
    targetType: group.TargetType ?? "",
    ipAddressType: group.IpAddressType ?? "ipv4",
    ...(group.Port !== undefined && { port: group.Port }),
    ...(group.Protocol !== undefined && { protocol: group.Protocol }),
    healthCheck: {
      enabled: group.HealthCheckEnabled ?? true,
      ...(group.HealthCheckPort !== undefined && { port: group.HealthCheckPort }),
      // The defaults of a group that was created without these settings (API reference).
      ...(group.HealthCheckTimeoutSeconds !== undefined && {
        timeoutSeconds: group.HealthCheckTimeoutSeconds,
      }),
      ...(group.HealthCheckPath !== undefined && { path: group.HealthCheckPath }),
      intervalSeconds: upTo(300, group.HealthCheckIntervalSeconds, 30),
      healthyThreshold: upTo(10, group.HealthyThresholdCount, 5),
      unhealthyThreshold: upTo(10, group.UnhealthyThresholdCount, 2),
    },
    loadBalancerArns: group.LoadBalancerArns ?? [],
  };
}

/** A setting, or its default where the reply has none that the API allows: polls depend on it. */
function upTo(most: number, value: number | undefined, missing: number): number {
  return value !== undefined && value >= 1 && value <= most ? value : missing;
}

function toTargetHealth(
  target: Target,
  { TargetHealth, AdministrativeOverride }: TargetHealthDescription,
): TargetHealth {
  const override = AdministrativeOverride?.State;
  return {
    target,
    state: word(TargetHealth?.State ?? ""),
    ...(TargetHealth?.Reason !== undefined && { reason: word(TargetHealth.Reason) }),
    ...(TargetHealth?.Description !== undefined && {
      description: readable(TargetHealth.Description),
    }),
    ...(override !== undefined && override !== "no_override" && { override: word(override) }),
  };
}
