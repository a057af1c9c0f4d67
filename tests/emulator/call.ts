/** One call of the API, from the moment its request was read to its end. */
import type { AccessKey } from "./access_keys.ts";
import { authenticate } from "./auth.ts";
import { AwsError } from "./errors.ts";
import type { Call, CallStep, EventLog } from "./events.ts";
import type { Faults } from "./faults.ts";
import type { Exchange } from "./http.ts";
import {
  type Operation,
  type OperationContext,
  operationOf,
  perform,
  recorded,
} from "./operations.ts";
import { pause, until } from "./pause.ts";
import { type Plan, planOf, respond } from "./plan.ts";
import { errorReply, type Reply, resultReply, type Xml } from "./replies.ts";
import { callerArn } from "./sts.ts";

/** What calls work on. */
export interface Api extends OperationContext {
  readonly region: string;
  readonly faults: Faults;
  readonly events: EventLog;
  /** Ends with the emulator. */
  readonly stop: AbortSignal;
  /** Milliseconds since the start. */
  now(): number;
  /** Settled by the next release. */
  released(): Promise<void>;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** A call in progress. */
export class CallInProgress {
  readonly call: Writable<Call>;
  readonly #api: Api;
  readonly #exchange: Exchange;
  readonly #operation: Operation;
  readonly #plan: Plan;
  readonly #decided = Promise.withResolvers<void>();
  /** Taken at once, so that a release between receipt and wait is not missed. */
  readonly #released: Promise<void>;

  constructor(number: number, exchange: Exchange, api: Api) {
    this.#api = api;
    this.#released = api.released();
    this.#exchange = exchange;
    this.#operation = operationOf(exchange.request);
    const { action, params } = this.#operation;
    this.#plan = planOf(api.faults.take(action));
    const { connection } = exchange;
    const begun = { number, at: api.now(), action, connection, ...recorded(params) };
    this.call = { ...begun, applied: false, outcome: "pending" };
  }

  /** Settled when the action is carried out, or is sure not to be. */
  get decided(): Promise<void> {
    return this.#decided.promise;
  }

  /** Makes the call, to its end. */
  async run(): Promise<void> {
    const { gone } = this.#exchange;
    gone.addEventListener("abort", () => {
      if (this.call.outcome === "pending") this.#finish("client-gone", "client-gone");
    });
    this.#report("call-received");
    if (!this.#plan.applied) this.#decided.resolve();
    const reply = await this.#reply().finally(() => this.#decided.resolve());
    if (reply === undefined || !await this.#wait(this.#plan.after, [gone])) return;
    const outcome = await respond(this.#exchange, reply, this.#plan);
    if (outcome === undefined) return;
    this.#finish(outcome, "call-answered", outcome === "reset" ? undefined : reply);
  }

  /** The reply that is due; undefined where the client left, and the action with it. */
  async #reply(): Promise<Reply | undefined> {
    const { service } = this.#operation;
    try {
      const key = this.#authenticate();
      const signals = this.#plan.evenIfGone ? [] : [this.#exchange.gone];
      if (!await this.#wait(this.#plan.before, signals)) return undefined;
      const result = this.#plan.applied ? this.#perform(key) : "";
      const due = resultReply(service, this.call.action, result);
      const caller = key === undefined ? "anonymous" : callerArn(key, this.#api.trust);
      return this.#plan.instead?.(due, { call: this.call, service, caller }) ?? due;
    } catch (error) {
      const known = error instanceof AwsError
        ? error
        : new AwsError("InternalFailure", 500, `The emulator has failed: ${error}`);
      return errorReply(service, known);
    }
  }

  #authenticate(): AccessKey | undefined {
    if (!this.#operation.signed) return undefined;
    const { keys, region } = this.#api;
    const { signedAs: service } = this.#operation.service;
    const now = Date.now() + this.#plan.skew;
    const key = authenticate(this.#exchange.request, { keys, region, service, now });
    this.call.identity = key.identity;
    if (this.#plan.revoke !== undefined) throw keys.revoke(key, this.#plan.revoke);
    return key;
  }

  #perform(caller: AccessKey | undefined): Xml {
    const result = perform(this.#operation, caller, this.#api);
    this.call.applied = true;
    this.call.appliedAt = this.#api.now();
    this.#report("call-applied");
    return result;
  }

  #finish(outcome: Call["outcome"], step: CallStep, reply?: Reply): void {
    this.call.outcome = outcome;
    if (reply !== undefined) this.call.status = reply.status;
    if (reply?.code !== undefined) this.call.code = reply.code;
    if (step === "call-answered") this.call.answeredAt = this.#api.now();
    this.#report(step);
  }

  #wait(wait: Plan["before"], signals: readonly AbortSignal[]): Promise<boolean> {
    const signal = AbortSignal.any([this.#api.stop, ...signals]);
    if (wait === "release") return until(this.#released, signal);
    return wait === 0 ? Promise.resolve(!signal.aborted) : pause(wait, signal);
  }

  #report(kind: CallStep): void {
    const { call } = this;
    this.#api.events.add({ kind, at: this.#api.now(), action: call.action, call });
  }
}
