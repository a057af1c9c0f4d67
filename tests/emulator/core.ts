/** The inside of an emulator: what it holds, and what it does with a request. */
import { AccessKeys, STATIC_KEY } from "./access_keys.ts";
import { CallInProgress } from "./calls.ts";
import { CredentialEndpoints } from "./credentials.ts";
import type { EmulatorOptions } from "./emulator.ts";
import { EventLog } from "./events.ts";
import type { Call } from "./events.ts";
import { assertFaultRule } from "./fault_rules.ts";
import { Faults } from "./faults.ts";
import { groupArn } from "./group_xml.ts";
import { Group } from "./groups.ts";
import type { Exchange } from "./http.ts";
import { Listener } from "./listener.ts";
import { groupSettings } from "./settings.ts";
import { planOf, respond } from "./plans.ts";
import { ELB } from "./replies.ts";
import type { GroupOptions, GroupSettings } from "./settings.ts";
import { TRUST } from "./sts.ts";
import type { Trust } from "./sts.ts";

/** What an error reply of a credential endpoint can say of the call. */
const NO_CALL: Call = {
  ...{ number: 0, at: 0, action: "", connection: 0 },
  ...{ applied: false, outcome: "pending" },
};

/** All that an emulator holds beside its socket. */
export class Core implements AsyncDisposable {
  readonly region: string;
  readonly trust: Trust;
  readonly keys: AccessKeys;
  readonly groups: Group[];
  /** Those of the groups that have one. */
  readonly listeners = new Map<Group, Listener>();
  readonly faults = new Faults();
  readonly events = new EventLog();
  readonly calls: Call[] = [];
  /** Calls of which it is not sure yet whether they will be applied. */
  readonly undecided = new Set<CallInProgress>();
  readonly #credentials: CredentialEndpoints;
  readonly #started = performance.now();
  readonly #stop = new AbortController();
  #gate = Promise.withResolvers<void>();

  /** @throws {RangeError} Where a group or fault of the options cannot be. */
  constructor(options: EmulatorOptions) {
    this.region = options.region ?? "eu-west-1";
    this.trust = { ...TRUST, ...options.trust };
    this.keys = new AccessKeys(
      [STATIC_KEY, ...options.accessKeys ?? []],
      options.credentialsLifetime ?? 3_600_000,
    );
    this.groups = (options.groups ?? []).map((group) => this.#group(group));
    for (const fault of options.faults ?? []) {
      assertFaultRule(fault);
      this.faults.add(fault);
    }
    this.#credentials = new CredentialEndpoints(this.keys, this.trust, this.region);
  }

  /** Ends with the emulator. */
  get stop(): AbortSignal {
    return this.#stop.signal;
  }

  /** Milliseconds since the start. */
  now(): number {
    return performance.now() - this.#started;
  }

  /** Settled by the next release. */
  released(): Promise<void> {
    return this.#gate.promise;
  }

  /** Lets the calls received so far go on, where they are held. */
  release(): void {
    this.#gate.resolve();
    this.#gate = Promise.withResolvers();
  }

  /** The group of this name or ARN, and an error where there is none. */
  group(nameOrArn: string): Group {
    const found = this.groups.find(({ arn, settings }) =>
      nameOrArn === settings.name || nameOrArn === arn
    );
    if (found === undefined) throw new RangeError(`There is no target group "${nameOrArn}"`);
    return found;
  }

  /** Opens the listeners. @throws {Error} Where a port is taken. */
  async open(): Promise<void> {
    for (const listener of this.listeners.values()) await listener.open();
  }

  /** Deletes the group. */
  async delete(group: Group): Promise<void> {
    this.groups.splice(this.groups.indexOf(group), 1);
    group[Symbol.dispose]();
    const listener = this.listeners.get(group);
    this.listeners.delete(group);
    await listener?.[Symbol.asyncDispose]();
  }

  /** Answers a request, or does with it what the faults say. */
  async handle(exchange: Exchange): Promise<void> {
    if (exchange.request.path === "/") return await this.#call(exchange);
    const answer = this.#credentials.answer(exchange.request);
    const reply = answer?.reply ?? { status: 404, headers: {}, body: "" };
    if (answer === undefined) return void await exchange.reply(reply, { date: new Date() });
    const { endpoint } = answer;
    const faults = this.faults.take(
      endpoint === "container" ? "ContainerCredentials" : "InstanceMetadata",
    );
    const plan = planOf(faults);
    const context = { call: NO_CALL, service: ELB, caller: "anonymous" };
    const given = plan.instead?.(reply, context) ?? reply;
    this.events.add({ kind: "credentials-asked", at: this.now(), endpoint, status: given.status });
    await respond(exchange, given, plan);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.events[Symbol.dispose]();
    for (const group of this.groups) group[Symbol.dispose]();
    await Promise.all(
      [...this.listeners.values()].map((listener) => listener[Symbol.asyncDispose]()),
    );
  }

  async #call(exchange: Exchange): Promise<void> {
    const inProgress = new CallInProgress(this.calls.length + 1, exchange, this);
    this.calls.push(inProgress.call);
    this.undecided.add(inProgress);
    inProgress.decided.then(() => this.undecided.delete(inProgress));
    await inProgress.run();
  }

  #group(options: GroupOptions): Group {
    const settings = groupSettings(options);
    const { name } = settings;
    const listener = settings.listener === false ? undefined : this.#listener(settings);
    const group = new Group(groupArn(this.region, name), settings, (change) => {
      // Before it is told: one who waits for the event may connect at once.
      listener?.follow(change);
      this.events.add({ kind: "state-changed", at: this.now(), group: name, ...change });
    });
    if (listener !== undefined) this.listeners.set(group, listener);
    return group;
  }

  #listener(settings: GroupSettings): Listener {
    const group = settings.name;
    return new Listener(settings, {
      flow: (kind, flow) => this.events.add({ kind, at: this.now(), group, flow }),
      sendingEnded: (target) =>
        this.events.add({ kind: "sending-ended", at: this.now(), group, target }),
    }, () => this.now());
  }
}
