/** One call of the API, from the moment its request was read to its end. */
import type { AccessKey } from "./access_keys.ts";
import { authenticate } from "./auth.ts";
import { AwsError } from "./errors.ts";
import type { Call, CallStep, EventLog } from "./events.ts";
import type { Faults } from "./faults.ts";
import type { Exchange } from "./http.ts";
import { operationOf, parametersOf, perform } from "./operations.ts";
import type { Operation, OperationContext } from "./operations.ts";
import { pause, until } from "./pause.ts";
import { planOf, respond } from "./plans.ts";
import type { Plan, Wait } from "./plans.ts";
import { errorReply, resultReply } from "./replies.ts";
import type { Reply, Xml } from "./replies.ts";
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
  /** Asked for at once, so that a release between receipt and wait is not missed. */
  readonly #released: Promise<void>;

  constructor(number: number, exchange: Exchange, api: Api) {
    this.#api = api;
    this.#released = api.released();
    this.#exchange = exchange;
    this.#operation = operationOf(exchange.request);
    this.#plan = planOf(api.faults.take(this.#operation.action));
    this.call = {
      number,
      at: api.now(),
      action: this.#operation.action,
      connection: exchange.connection,
      ...parametersOf(this.#operation.params),
      applied: false,
      outcome: "pending",
    };
  }

  /** Settled when the action is carried out, or is sure not to be. */
  get decided(): Promise<void> {
    return this.#decided.promise;
  }

  /** Makes the call, to its end. */
  async run(): Promise<void> {
    this.#exchange.gone.addEventListener("abort", () => {
      if (this.call.outcome === "pending") this.#finish("client-gone", "client-gone");
    });
    this.#tell("call-received");
    if (!this.#plan.applied) this.#decided.resolve();
    const reply = await this.#reply().finally(() => this.#decided.resolve());
    if (reply === undefined) return;
    if (await this.#wait(this.#plan.after, [this.#exchange.gone])) await this.#end(reply);
  }

  /** The reply that is due; undefined where the client left, and the action with it. */
  async #reply(): Promise<Reply | undefined> {
    try {
      const caller = this.#authenticate();
      const signals = this.#plan.evenIfGone ? [] : [this.#exchange.gone];
      if (!await this.#wait(this.#plan.before, signals)) return undefined;
      const result = this.#plan.applied ? this.#perform(caller) : "";
      const due = resultReply(this.#operation.service, this.call.action, result);
      return this.#plan.instead?.(due, this.#context(caller)) ?? due;
    } catch (error) {
      const known = error instanceof AwsError
        ? error
        : new AwsError("InternalFailure", 500, `The emulator has a fault: ${error}`);
      return errorReply(this.#operation.service, known);
    }
  }

  #authenticate(): AccessKey | undefined {
    if (!this.#operation.signed) return undefined;
    const key = authenticate(this.#exchange.request, {
      keys: this.#api.keys,
      region: this.#api.region,
      service: this.#operation.service.signedAs,
      now: Date.now() + this.#plan.skew,
    });
    this.call.identity = key.identity;
    if (this.#plan.revoke !== undefined) throw this.#api.keys.revoke(key, this.#plan.revoke);
    return key;
  }

  #perform(caller: AccessKey | undefined): Xml {
    this.#tell("call-applying");
    const result = perform(this.#operation, caller, this.#api);
    this.call.applied = true;
    this.call.appliedAt = this.#api.now();
    this.#tell("call-applied");
    return result;
  }

  #context(caller: AccessKey | undefined) {
    return {
      call: this.call,
      service: this.#operation.service,
      caller: caller === undefined ? "anonymous" : callerArn(caller, this.#api.trust),
    };
  }

  async #end(reply: Reply): Promise<void> {
    const outcome = await respond(this.#exchange, reply, this.#plan);
    if (outcome === undefined) return;
    this.#finish(outcome, "call-answered", outcome === "reset" ? undefined : reply);
  }

  #finish(outcome: Call["outcome"], step: CallStep, reply?: Reply): void {
    this.call.outcome = outcome;
    if (reply !== undefined) this.call.status = reply.status;
    if (reply?.code !== undefined) this.call.code = reply.code;
    if (step === "call-answered") this.call.answeredAt = this.#api.now();
    this.#tell(step);
  }

  #wait(wait: Wait, signals: readonly AbortSignal[]): Promise<boolean> {
    const signal = AbortSignal.any([this.#api.stop, ...signals]);
    if (wait === "release") return until(this.#released, signal);
    return wait === 0 ? Promise.resolve(!signal.aborted) : pause(wait, signal);
  }

  #tell(kind: CallStep): void {
    const { call } = this;
    this.#api.events.add({ kind, at: this.#api.now(), action: call.action, call });
  }
}
