/** The data plane of one target group: forwards connections to targets as a load balancer does. */
import { createServer, type Server, type Socket } from "node:net";
import { Beliefs } from "./beliefs.ts";
import type { Flow, FlowStep } from "./events.ts";
import { Joint } from "./flow.ts";
import { routeTo } from "./health.ts";
import type { GroupSettings } from "./settings.ts";
import { portOf, startListening } from "./sockets.ts";
import type { StateChange, Target } from "./states.ts";

type Changing<T> = { -readonly [Key in keyof T]: T[Key] };

/** Accepts connections for a target group; `open` it first. */
export class Listener implements AsyncDisposable {
  readonly #onFlow: (kind: FlowStep, flow: Flow) => void;
  readonly #beliefs: Beliefs;
  readonly #server: Server;
  readonly #open = new Map<Flow, Joint>();
  #number = 0;

  constructor(settings: GroupSettings, onFlow: (kind: FlowStep, flow: Flow) => void) {
    this.#onFlow = onFlow;
    this.#beliefs = new Beliefs(settings, (target) => {
      if (settings.unhealthyConnectionTermination) this.#cut(target);
    });
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
  }

  /** The port on 127.0.0.1. */
  get port(): number {
    return portOf(this.#server);
  }

  async open(): Promise<void> {
    await startListening(this.#server, 0);
  }

  /** Takes note of a target's change of state. */
  follow(change: StateChange): void {
    this.#beliefs.follow(change);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#beliefs[Symbol.dispose]();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    const ending = [...this.#open.values()].map((joint) => joint.ended());
    for (const joint of this.#open.values()) joint.cut();
    await Promise.all([promise, ...ending]);
  }

  async #accept(client: Socket): Promise<void> {
    const address = `${client.remoteAddress}:${client.remotePort}`;
    const { candidates } = this.#beliefs;
    const target = candidates[flowHash(address) % candidates.length];
    const flow: Changing<Flow> = { number: ++this.#number, client: address };
    if (target === undefined) {
      // It may be gone already.
      client.on("error", () => {});
      client.resetAndDestroy();
      return this.#end(flow, "no-target");
    }
    flow.target = target;
    const joint = new Joint(client, routeTo(target), () => this.#onFlow("flow-opened", flow));
    this.#open.set(flow, joint);
    this.#end(flow, await joint.ended());
  }

  #end(flow: Changing<Flow>, ending: NonNullable<Flow["ending"]>): void {
    this.#open.delete(flow);
    flow.ending = ending;
    this.#onFlow("flow-ended", flow);
  }

  #cut({ id, port }: Target): void {
    for (const [{ target }, joint] of this.#open) {
      if (target?.id === id && target.port === port) joint.cut();
    }
  }
}

/** FNV-1a, mixed once more so that its low bits depend on all characters. */
function flowHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let place = 0; place < text.length; place++) {
    hash = Math.imul(hash ^ text.charCodeAt(place), 0x01000193);
  }
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0;
}
