/** One target's registration with one target group, and what is known of it. */
import { abortable } from "@std/async/abortable";
import type { Target, TargetHealth } from "../aws/elb.ts";
import { ApiError } from "../aws/errors.ts";
import { attemptTime, retry } from "../aws/retry.ts";
import { anyOf, sleep } from "../host/clock.ts";
import { durationText, type Milliseconds } from "../host/duration.ts";
import type { LogFields } from "../host/log.ts";
import {
  deregister,
  type Registered,
  type RegisterResult,
  type RegistrationOptions,
} from "./deregister.ts";
import type { Membership } from "./health.ts";
import type { Attachment, Group } from "./resolve.ts";

/** The last answer of DescribeTargetHealth, and when it came. */
export interface Observation {
  readonly health: TargetHealth;
  readonly at: Milliseconds;
}

/** A registration: `register` it, then `deregister` it; and again, if the pod keeps running. */
export class Registration implements Registered {
  readonly group: Group;
  readonly target: Target;
  readonly options: RegistrationOptions;
  readonly fields: LogFields;
  #membership: Membership = { at: "absent" };
  #observation: Observation | undefined;
  #unobserved: string | undefined;
  #wasInService = false;
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

  get membership(): Membership {
    return this.#membership;
  }

  /** Undefined before the first answer of a registration cycle. */
  get observation(): Observation | undefined {
    return this.#observation;
  }

  /** Whether it was healthy once in this registration cycle. */
  get wasInService(): boolean {
    return this.#wasInService;
  }

  /** Why its health is not observed any more. */
  get unobserved(): string | undefined {
    return this.#unobserved;
  }

  get inFlight(): Promise<RegisterResult> | undefined {
    return this.#inFlight;
  }

  get doubtUntil(): Milliseconds {
    return this.#doubtUntil;
  }

  get settledAt(): Milliseconds {
    return this.#settledAt;
  }

  /** Whether DeregisterTargets has to be sent. */
  get mayBeRegistered(): boolean {
    const { at } = this.#membership;
    return at === "registered" || at === "unknown" || this.#inFlight !== undefined;
  }

  /** Takes an answer of DescribeTargetHealth. */
  observed(health: TargetHealth): void {
    this.#observation = { health, at: this.options.clock.now() };
    this.#unobserved = undefined;
    this.#wasInService ||= health.state === "healthy";
  }

  /** Its health is not observed any more. */
  observationEnded(reason: string): void {
    this.#unobserved = reason;
  }

  /** A registration cycle begins: what was observed in the last one is out of date. */
  begin(): void {
    this.#observation = undefined;
    this.#unobserved = undefined;
    this.#wasInService = false;
  }

  deregisteringInDoubt(): void {
    this.#deregistersUntil = this.#settleTime();
  }

  /** The API says that the target is registered, whoever registered it. */
  foundRegistered(): void {
    this.#membership = { at: "registered" };
  }

  /** Nothing is left of the target in the group. */
  drained(): void {
    if (this.#membership.at === "draining") this.#membership = { at: "absent" };
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

  /** Deregisters a target that may be registered, and confirms it where needed. Never throws. */
  async deregister(): Promise<void> {
    const { clock, log } = this.options;
    const started = clock.now();
    this.#membership = await deregister(this);
    const fields = { ...this.fields, took: durationText(clock.now() - started) };
    if (this.#membership.at === "draining") {
      log.info("target deregistered", fields);
    } else {
      log.error("could not confirm that the target is deregistered", fields);
    }
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

    const call = elb.registerTarget(this.group.arn, this.target, {
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
    this.#membership = { at: "registered" };
    // An earlier attempt that is in doubt still is longer in coming to rest than this one.
    this.#settledAt = Math.max(this.#settledAt, this.#settleTime());
    return "registered";
  }

  #failed(error: unknown): RegisterResult {
    const wasSent = this.#inFlight !== undefined;
    if (!wasSent || (error instanceof ApiError && error.effect === "none")) return "not-registered";
    if (this.#membership.at !== "registered") {
      const reason = error instanceof Error ? error.message : String(error);
      this.#membership = { at: "unknown", reason };
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
