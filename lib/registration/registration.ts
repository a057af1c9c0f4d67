/** One target's registration with one target group, and what is known of it. */
import { abortable } from "@std/async/abortable";
import type { CallOptions, ElasticLoadBalancing, Target, TargetHealth } from "../aws/elb.ts";
import { ApiError } from "../aws/errors.ts";
import { asApiError, attemptTime, REQUEST_TIMEOUT, retry } from "../aws/retry.ts";
import { anyOf, type Clock, sleep } from "../host/clock.ts";
import { durationText, type Milliseconds } from "../host/duration.ts";
import type { Log, LogFields } from "../host/log.ts";
import { isUnused, type Membership } from "./health.ts";
import type { Attachment, Group } from "./resolve.ts";

/** Ports and parameters of a registration. */
export interface RegistrationOptions {
  readonly elb: ElasticLoadBalancing;
  readonly clock: Clock;
  readonly log: Log;
  readonly times: {
    /** For registering, retries included; Infinity: as long as an error is retryable. */
    readonly register: Milliseconds;
    /** For deregistering, retries included; Infinity: until the process is killed. */
    readonly deregister: Milliseconds;
    /** For how long after it was given up a call may still be applied. */
    readonly confirmSettle: Milliseconds;
  };
  /** The part of a wait that fits into the pod's grace period, with `reserve` kept back. */
  readonly clip: (wait: Milliseconds, reserve: Milliseconds) => Milliseconds;
  /** Ends when the second stop signal comes. */
  readonly forcedStop: AbortSignal;
  /** Ends when the pod's grace period begins the next time. */
  readonly graceBegins?: () => AbortSignal;
  /** Whether it counts as in service while no listener uses its group. */
  readonly whenUnused: boolean;
  /** Called when a poll has been answered. */
  readonly onPolled?: () => void;
}

/** What the answer of a RegisterTargets call proves; `unknown`: it never came, or proves nothing. */
export type RegisterResult = "registered" | "not-registered" | "unknown";

/** What was observed of the target's health in this registration cycle. */
export interface Observation {
  /** The last answer of DescribeTargetHealth, and when it came; none before the first. */
  readonly last?: { readonly health: TargetHealth; readonly at: Milliseconds };
  /** Whether it was in service once: healthy, or unused where that is enough. */
  readonly wasInService: boolean;
  /** Why it is not observed any more. */
  readonly ended?: string;
}

/** A registration: `register` it, then `deregister` it (`deregister.ts`), again and again. */
export class Registration implements Attachment {
  readonly group: Group;
  readonly target: Target;
  readonly options: RegistrationOptions;
  /** Which target and group: for log lines. */
  readonly fields: LogFields;
  /** Whatever proves another one writes it here. */
  membership: Membership = { at: "absent" };
  /** In groups that serve QUIC. */
  quicServerId: string | undefined;
  #observation: Observation = { wasInService: false };
  #inFlight: Promise<RegisterResult> | undefined;
  #doubtUntil: Milliseconds = -Infinity;
  #settledAt: Milliseconds = -Infinity;
  #deregistersUntil: Milliseconds = -Infinity;

  constructor({ group, target }: Attachment, options: RegistrationOptions) {
    this.group = group;
    this.target = target;
    this.options = options;
    this.fields = { target_group: group.name, target: target.id, port: target.port };
  }

  get observation(): Observation {
    return this.#observation;
  }

  /** A RegisterTargets call in flight, if any: ends at the call's own time limit at the latest. */
  get inFlight(): Promise<RegisterResult> | undefined {
    return this.#inFlight;
  }

  /** Until then, a RegisterTargets call whose answer was not seen may still be applied. */
  get doubtUntil(): Milliseconds {
    return this.#doubtUntil;
  }

  /** Until then, a reply that the target is not registered may be out of date. */
  get settledAt(): Milliseconds {
    return this.#settledAt;
  }

  /** Whether DeregisterTargets has to be sent. */
  get mayBeRegistered(): boolean {
    const { at } = this.membership;
    return at === "registered" || at === "unknown" || this.#inFlight !== undefined;
  }

  /**
   * Polls the target's health once; a call that failed or timed out is an error, as a value. By id
   * and port alone: named with a zone other than the recorded one, AWS finds nothing
   * (aws-load-balancer-controller issue 4544).
   */
  async poll(options: CallOptions): Promise<TargetHealth | ApiError> {
    const { elb, clock, onPolled } = this.options;
    const { availabilityZone: _, ...target } = this.target;
    try {
      const health = await elb.describeTargetHealth(this.group.arn, target, options);
      const isIn = health.state === "healthy" || (this.options.whenUnused && isUnused(health));
      const wasInService = this.#observation.wasInService || isIn;
      this.#observation = { last: { health, at: clock.now() }, wasInService };
      onPolled?.();
      return health;
    } catch (error) {
      return asApiError(error, "DescribeTargetHealth", options.timeout ?? REQUEST_TIMEOUT);
    }
  }

  /** Its health is not observed any more. */
  observationEnded(reason: string): void {
    this.#observation = { ...this.#observation, ended: reason };
  }

  /** A registration cycle begins: what was observed in the last one is out of date. */
  begin(): void {
    this.#observation = { wasInService: false };
  }

  /** Another process, which has ended, may have registered the target, or be about to. */
  takeOver(reason: string): void {
    this.membership = { at: "unknown", reason };
    this.#doubtUntil = this.#settleTime();
    this.#settledAt = this.#doubtUntil + this.options.times.confirmSettle;
  }

  /** A DeregisterTargets call has ended without an answer to rely on: it may still be applied. */
  deregisteringInDoubt(): void {
    this.#deregistersUntil = this.#settleTime();
  }

  /**
   * Registers the target. When one of the `stops` ends, a call in flight is not dropped:
   * `deregister` sends DeregisterTargets beside it and waits for its answer.
   * @throws {ApiError} The API refused, or `times.register` is over.
   * @throws The reason of one of the `stops`.
   */
  async register(...stops: readonly AbortSignal[]): Promise<void> {
    const { clock, log, times } = this.options;
    const started = clock.now();
    const stop = anyOf(...stops);
    await this.#untilEarlierCallsEnd(stop);
    const signal = clock.within(times.register, stop);
    await retry(() => this.#attempt(signal), {
      call: "RegisterTargets",
      clock,
      log,
      signal,
      time: times.register,
      fields: this.fields,
    });
    log.info("target registered", { ...this.fields, took: durationText(clock.now() - started) });
  }

  /** Calls of the registration cycle before may be in flight, or applied late: they would undo this. */
  async #untilEarlierCallsEnd(stop: AbortSignal): Promise<void> {
    const { clock } = this.options;
    if (this.#inFlight !== undefined) await abortable(this.#inFlight, stop);
    const left = this.#deregistersUntil - clock.now();
    if (left > 0) await sleep(clock.within(left, stop));
    stop.throwIfAborted();
  }

  /** One RegisterTargets call. When `signal` ends, a request that was sent continues without us. */
  async #attempt(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { elb, times } = this.options;
    const answer = Promise.withResolvers<RegisterResult>();
    const unsent = new AbortController();
    const drop = () => unsent.abort(signal.reason);
    signal.addEventListener("abort", drop, { once: true });

    const { quicServerId } = this;
    const target = { ...this.target, ...(quicServerId !== undefined && { quicServerId }) };
    const call = elb.registerTarget(this.group.arn, target, {
      signal: unsent.signal,
      timeout: attemptTime(times.register),
      onSend: () => {
        signal.removeEventListener("abort", drop);
        this.#inFlight = answer.promise;
      },
    });
    const learnt = call.then(() => this.#answered(), (error) => this.#failed(error));
    learnt.then((result) => {
      signal.removeEventListener("abort", drop);
      this.#inFlight = undefined;
      answer.resolve(result);
    });
    await abortable(learnt, signal);
    await call;
  }

  #answered(): RegisterResult {
    this.membership = { at: "registered" };
    // An earlier attempt that is in doubt still is longer in coming to rest than this one.
    this.#settledAt = Math.max(this.#settledAt, this.#settleTime());
    return "registered";
  }

  #failed(error: unknown): RegisterResult {
    const wasSent = this.#inFlight !== undefined;
    if (!wasSent || (error instanceof ApiError && error.effect === "none")) return "not-registered";
    if (this.membership.at !== "registered") {
      const reason = error instanceof Error ? error.message : String(error);
      this.membership = { at: "unknown", reason };
    }
    this.#doubtUntil = this.#settleTime();
    // Applied at the last moment, it takes its time until replies know of it, as any other.
    this.#settledAt = this.#doubtUntil + this.options.times.confirmSettle;
    return "unknown";
  }

  #settleTime(): Milliseconds {
    return this.options.clock.now() + this.options.times.confirmSettle;
  }
}
