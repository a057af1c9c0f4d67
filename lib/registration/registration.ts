/** One target's registration with one target group: a resource whose end is deregistration. */
import { abortable } from "@std/async/abortable";
import type { Target } from "../aws/elb.ts";
import { ApiError } from "../aws/errors.ts";
import { attemptTime, attemptTimedOut, retry } from "../aws/retry.ts";
import { isTimeout } from "../host/clock.ts";
import { durationText, type Milliseconds } from "../host/duration.ts";
import type { LogFields } from "../host/log.ts";
import {
  depart,
  type Departing,
  type Departure,
  type Known,
  type RegistrationOptions,
} from "./deregister.ts";
import type { Attachment, Group } from "./resolve.ts";

/** A registration: `register` it, then leave its scope; and again, if the pod lives on. */
export class Registration implements AsyncDisposable, Departing {
  readonly group: Group;
  readonly target: Target;
  readonly options: RegistrationOptions;
  readonly fields: LogFields;
  #known: Known = "absent";
  #inFlight: Promise<Known> | undefined;
  #doubtUntil: Milliseconds = -Infinity;
  #settledAt: Milliseconds = -Infinity;
  #departure: Departure = { outcome: "never-registered" };
  #goneAt: Milliseconds = -Infinity;

  constructor({ group, target }: Attachment, options: RegistrationOptions) {
    this.group = group;
    this.target = target;
    this.options = options;
    this.fields = { target_group: group.name, target: target.id, port: target.port };
  }

  /** Whether nothing is registered, or can be. */
  get isAbsent(): boolean {
    return this.#known === "absent" && this.#inFlight === undefined;
  }

  get inFlight(): Promise<Known> | undefined {
    return this.#inFlight;
  }

  get doubtUntil(): Milliseconds {
    return this.#doubtUntil;
  }

  get settledAt(): Milliseconds {
    return this.#settledAt;
  }

  /** When it was known to be deregistered the last time. */
  get goneAt(): Milliseconds {
    return this.#goneAt;
  }

  /** How it ended the last time; of use after the scope. */
  get departure(): Departure {
    return this.#departure;
  }

  /**
   * Registers the target. When one of the `stops` ends, a call that is on its way is not dropped:
   * the end of the scope sends DeregisterTargets beside it and waits for its answer.
   * @throws {ApiError} The API refused, or `times.register` is over.
   * @throws The reason of one of the `stops`.
   */
  async register(...stops: readonly AbortSignal[]): Promise<void> {
    const { clock, log, times } = this.options;
    const started = clock.now();
    const signal = clock.within(times.register, ...stops);
    // A call of the cycle before may be on its way still, where its answer was not waited for.
    if (this.#inFlight !== undefined) await abortable(this.#inFlight, signal);
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

  /** Deregisters, where anything can have registered; confirms it, where that is needed. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isAbsent) {
      this.#departure = { outcome: "never-registered" };
      return;
    }
    const { clock, log } = this.options;
    const started = clock.now();
    this.#departure = await depart(this);
    const fields = { ...this.fields, took: durationText(clock.now() - started) };
    if (this.#departure.outcome === "gone") {
      this.#learn("absent");
      this.#goneAt = clock.now();
      log.info("target deregistered", fields);
    } else {
      this.#learn("unknown");
      log.error("it could not be confirmed that the target is deregistered", fields);
    }
  }

  /** The API says that the target is registered, whoever did it: the end of a scope is needed. */
  found(): void {
    this.#learn("registered");
  }

  #learn(known: Known): void {
    this.#known = known;
    this.options.onKnown?.(known);
  }

  /** One RegisterTargets call. When `signal` ends, a request that went out goes on without us. */
  async #attempt(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { elb, clock, times } = this.options;
    const limit = attemptTime(times.register);
    const answer = Promise.withResolvers<Known>();
    const unsent = new AbortController();
    const drop = () => unsent.abort(signal.reason);
    signal.addEventListener("abort", drop, { once: true });

    const call = elb.registerTarget(this.group.arn, this.target, {
      signal: clock.within(limit, unsent.signal),
      onSend: () => {
        signal.removeEventListener("abort", drop);
        this.#inFlight = answer.promise;
      },
    });
    const learnt = call.then(() => this.#answered(), (fault) => this.#failed(fault));
    learnt.then((known) => {
      signal.removeEventListener("abort", drop);
      this.#inFlight = undefined;
      answer.resolve(known);
    });
    await abortable(learnt, signal);
    await call.catch((error) => {
      throw isTimeout(error) ? attemptTimedOut("RegisterTargets", limit) : error;
    });
  }

  #answered(): Known {
    this.#learn("registered");
    // An earlier attempt that is in doubt still is longer in coming to rest than this one.
    this.#settledAt = Math.max(this.#settledAt, this.#settleTime());
    return "registered";
  }

  #failed(fault: unknown): Known {
    const wasSent = this.#inFlight !== undefined;
    if (!wasSent || (fault instanceof ApiError && fault.effect === "none")) return "absent";
    if (this.#known === "absent") this.#learn("unknown");
    this.#doubtUntil = this.#settleTime();
    // Applied at the last moment, it takes its time until replies know of it, as any other.
    this.#settledAt = this.#doubtUntil + this.options.times.confirmSettle;
    return "unknown";
  }

  #settleTime(): Milliseconds {
    return this.options.clock.now() + this.options.times.confirmSettle;
  }
}
