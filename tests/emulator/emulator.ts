/** The emulator: a server that behaves as the load balancer API does, and can be made to fail. */
import { type AccessKey, AccessKeys, STATIC_KEY } from "./access_keys.ts";
import { groupArn } from "./actions.ts";
import { type Api, CallInProgress } from "./call.ts";
import { CredentialEndpoints } from "./credentials.ts";
import { type Call, type EmulatorEvent, EventLog } from "./events.ts";
import { type FaultRule, Faults } from "./faults.ts";
import { Group, type Registration } from "./groups.ts";
import { type Exchange, type HttpServer, listen } from "./http.ts";
import { Listener } from "./listener.ts";
import { planOf, respond } from "./plan.ts";
import { ELB } from "./replies.ts";
import { type GroupOptions, groupSettings } from "./settings.ts";
import type { Target, TargetState } from "./states.ts";
import { TRUST, type Trust } from "./sts.ts";

/** How the emulator starts. */
export interface EmulatorOptions {
  readonly groups?: readonly GroupOptions[];
  /** @default {0}, any free one. */
  readonly port?: number;
  /** @default {"eu-west-1"} */
  readonly region?: string;
  readonly faults?: readonly FaultRule[];
  /** Keys that are known beside `STATIC_KEY`. */
  readonly accessKeys?: readonly AccessKey[];
  /** How long issued credentials are good, in milliseconds. @default {3_600_000} */
  readonly credentialsLifetime?: number;
  /** Whom the credential endpoints trust. @default {TRUST} */
  readonly trust?: Partial<Trust>;
}

/** A target group of a running emulator. */
export interface RunningGroup {
  readonly name: string;
  readonly arn: string;
  /** The port on 127.0.0.1 from which connections are forwarded to its targets, if so. */
  readonly port?: number;
}

/** A running emulator; disposing it closes all connections and forgets what was delayed. */
export class Emulator implements AsyncDisposable {
  readonly region: string;
  readonly trust: Trust;
  /** All calls of the API so far, in order of arrival. */
  readonly calls: Call[] = [];
  readonly #keys: AccessKeys;
  readonly #groups: Group[];
  readonly #listeners = new Map<Group, Listener>();
  readonly #faults = new Faults();
  readonly #events = new EventLog();
  /** Calls of which it is not sure yet whether they will be applied. */
  readonly #undecided = new Set<CallInProgress>();
  readonly #credentials: CredentialEndpoints;
  readonly #started = performance.now();
  readonly #stop = new AbortController();
  readonly #api: Api;
  #server: HttpServer | undefined;
  #gate = Promise.withResolvers<void>();

  private constructor(options: EmulatorOptions) {
    const { accessKeys = [], credentialsLifetime = 3_600_000 } = options;
    this.region = options.region ?? "eu-west-1";
    this.trust = { ...TRUST, ...options.trust };
    this.#keys = new AccessKeys([STATIC_KEY, ...accessKeys], credentialsLifetime);
    this.#groups = (options.groups ?? []).map((group) => this.#group(group));
    for (const fault of options.faults ?? []) this.#faults.add(fault);
    this.#credentials = new CredentialEndpoints(this.#keys, this.trust, this.region);
    this.#api = {
      ...{ region: this.region, trust: this.trust, keys: this.#keys, groups: this.#groups },
      ...{ faults: this.#faults, events: this.#events, stop: this.#stop.signal },
      now: () => this.#now(),
      released: () => this.#gate.promise,
    };
  }

  /**
   * Starts on the loopback address.
   * @throws {RangeError} Where a group or fault of the options cannot be.
   * @throws {Error} Where a port is taken.
   */
  static async start(options: EmulatorOptions): Promise<Emulator> {
    const emulator = new Emulator(options);
    try {
      for (const listener of emulator.#listeners.values()) await listener.open();
      emulator.#server = await listen(options.port ?? 0, (exchange) => emulator.#handle(exchange));
      return emulator;
    } catch (error) {
      await emulator[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** `http://127.0.0.1:PORT`, of the API and of the credential endpoints. */
  get url(): string {
    return `http://127.0.0.1:${this.#server?.port}`;
  }

  /** The environment in which a client calls this emulator with `STATIC_KEY`. */
  get environment(): Readonly<Record<string, string>> {
    return {
      AWS_REGION: this.region,
      AWS_ENDPOINT_URL: this.url,
      AWS_ACCESS_KEY_ID: STATIC_KEY.accessKeyId,
      AWS_SECRET_ACCESS_KEY: STATIC_KEY.secretAccessKey,
      AWS_EC2_METADATA_DISABLED: "true",
    };
  }

  get groups(): readonly RunningGroup[] {
    return this.#groups.map((group) => {
      const port = this.#listeners.get(group)?.port;
      const named = { name: group.settings.name, arn: group.arn };
      return port === undefined ? named : { ...named, port };
    });
  }

  /** All events so far. */
  get events(): readonly EmulatorEvent[] {
    return this.#events.all;
  }

  /** The group's ARN. Here and below, groups are named by name or ARN. */
  arn(group: string): string {
    return this.#find(group).arn;
  }

  /** All targets that are registered or draining, with their true states. */
  targets(group: string): readonly Registration[] {
    return this.#find(group).members;
  }

  /** The targets that are registered and do not drain, whatever replies say of them yet. */
  registered(group: string): readonly Registration[] {
    return this.targets(group).filter(({ state }) => state !== "draining");
  }

  /** The first event from now on that fits; rejects after 30 s. */
  next(fits: (event: EmulatorEvent) => boolean): Promise<EmulatorEvent> {
    return this.#events.next(fits);
  }

  /** As `next`, but an event of the past will do. */
  seen(fits: (event: EmulatorEvent) => boolean): Promise<EmulatorEvent> {
    const past = this.events.find(fits);
    return past === undefined ? this.next(fits) : Promise.resolve(past);
  }

  /** Calls the listener with each event to come, until the returned function is called. */
  listen(listener: (event: EmulatorEvent) => void): () => void {
    return this.#events.listen(listener);
  }

  /** Settled when no call that was sent is still going to be applied; release held ones before. */
  async settled(): Promise<void> {
    // Requests that were sent before this connection was made are read before its reply comes.
    using connection = await Deno.connect({ port: this.#server?.port ?? 0 });
    await connection.write(new TextEncoder().encode("GET /settled HTTP/1.0\r\n\r\n"));
    await connection.read(new Uint8Array(1024));
    while (this.#undecided.size > 0) {
      await Promise.all([...this.#undecided].map((call) => call.decided));
    }
  }

  /** @throws {RangeError} Where it is no fault rule. */
  addFault(rule: FaultRule): void {
    this.#faults.add(rule);
  }

  /** Calls under way keep their faults. */
  clearFaults(): void {
    this.#faults.clear();
  }

  /** Lets the calls received so far continue, where a `hold` holds them. */
  release(): void {
    this.#gate.resolve();
    this.#gate = Promise.withResolvers();
  }

  /** Closes the connections on which no call is under way. */
  closeIdleConnections(): void {
    this.#server?.closeIdleConnections();
  }

  /** Answers no more requests on the connections that are open now; new ones work. */
  silenceConnections(): void {
    this.#server?.silenceConnections();
  }

  /** Puts a registered target in a state in which it stays. */
  setHealth(group: string, target: Target, state: TargetState): void {
    this.#find(group).setHealth(target, state);
  }

  /** Registers the target as if another client had called the API. */
  registerByOther(group: string, target: Target): void {
    this.#find(group).register(target);
  }

  /** Deregisters the target as if another client had called the API. */
  deregisterByOther(group: string, target: Target): void {
    this.#find(group).deregister(target);
  }

  /** Deletes the group; done when its listener is closed, if it has one. */
  async deleteGroup(name: string): Promise<void> {
    const group = this.#find(name);
    this.#groups.splice(this.#groups.indexOf(group), 1);
    group[Symbol.dispose]();
    const listener = this.#listeners.get(group);
    this.#listeners.delete(group);
    await listener?.[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#events[Symbol.dispose]();
    for (const group of this.#groups) group[Symbol.dispose]();
    const listeners = [...this.#listeners.values()];
    await Promise.all(listeners.map((listener) => listener[Symbol.asyncDispose]()));
    await this.#server?.[Symbol.asyncDispose]();
  }

  #now(): number {
    return performance.now() - this.#started;
  }

  #find(nameOrArn: string): Group {
    const found = this.#groups.find(({ arn, settings }) =>
      nameOrArn === settings.name || nameOrArn === arn
    );
    if (found === undefined) throw new RangeError(`There is no target group "${nameOrArn}"`);
    return found;
  }

  /** Answers a request, or does with it what the faults say. */
  async #handle(exchange: Exchange): Promise<void> {
    if (exchange.request.path === "/") return await this.#call(exchange);
    const answer = this.#credentials.answer(exchange.request);
    if (answer === undefined) {
      const nothing = { status: 404, headers: {}, body: "" };
      return void await exchange.reply(nothing, { date: new Date() });
    }
    const { endpoint, action } = answer;
    const plan = planOf(this.#faults.take(action));
    const context = { call: { action }, service: ELB, caller: "anonymous" };
    const reply = plan.instead?.(answer.reply, context) ?? answer.reply;
    const { status } = reply;
    this.#events.add({ kind: "credentials-requested", at: this.#now(), endpoint, status });
    await respond(exchange, reply, plan);
  }

  async #call(exchange: Exchange): Promise<void> {
    const call = new CallInProgress(this.calls.length + 1, exchange, this.#api);
    this.calls.push(call.call);
    this.#undecided.add(call);
    call.decided.then(() => this.#undecided.delete(call));
    await call.run();
  }

  #group(options: GroupOptions): Group {
    const settings = groupSettings(options);
    const { name: group } = settings;
    const at = () => this.#now();
    const listener = settings.listener
      ? new Listener(settings, (kind, flow) => this.#events.add({ kind, at: at(), group, flow }))
      : undefined;
    const made = new Group(groupArn(this.region, group), settings, (change) => {
      // Before it is reported: one who waits for the event may connect at once.
      listener?.follow(change);
      this.#events.add({ kind: "state-changed", at: at(), group, ...change });
    });
    if (listener !== undefined) this.#listeners.set(made, listener);
    return made;
  }
}
