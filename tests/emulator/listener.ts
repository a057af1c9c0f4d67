/** The data plane of one target group: forwards connections to targets as a load balancer does. */
import { createServer, type Server, type Socket } from "node:net";
import { Beliefs, type TargetEvent } from "./beliefs.ts";
import type { Flow, FlowStep } from "./events.ts";
import { type FlowEnding, Joint } from "./flow.ts";
import { routeFrom } from "./health.ts";
import type { GroupSettings } from "./settings.ts";
import { portOf, startListening } from "./sockets.ts";
import type { StateChange, Target } from "./states.ts";

/** What a listener has done so far; counts of connections. */
export interface Traffic {
  /** Forwarded to a target. */
  readonly opened: number;
  /** Reset because there was no target, or the target could not be connected to. */
  readonly refused: number;
  /** Reset because of what the target has become, or forgotten. */
  readonly cut: number;
  /** Reset by the client or the target. */
  readonly reset: number;
  /** Ended by both sides, as it should be. */
  readonly closed: number;
  /** Those that are open, or being opened. */
  readonly open: readonly Flow[];
}

/** What is reported: steps of flows, and targets to which no more is sent. */
export interface ListenerEvents {
  flow(kind: FlowStep, flow: Flow): void;
  sendingEnded(target: Target): void;
}

type Changing<T> = { -readonly [Key in keyof T]: T[Key] };

/** Accepts connections for a target group; `open` it first. */
export class Listener implements AsyncDisposable {
  readonly #settings: GroupSettings;
  readonly #events: ListenerEvents;
  readonly #now: () => number;
  readonly #beliefs: Beliefs;
  readonly #server: Server;
  readonly #open = new Map<Flow, Joint>();
  readonly #counts = { opened: 0, refused: 0, cut: 0, reset: 0, closed: 0 };
  #number = 0;

  /** @param now Milliseconds since the emulator's start. */
  constructor(settings: GroupSettings, events: ListenerEvents, now: () => number) {
    this.#settings = settings;
    this.#events = events;
    this.#now = now;
    this.#beliefs = new Beliefs(settings, (target, event) => this.#onTarget(target, event));
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
  }

  /** The port on 127.0.0.1. */
  get port(): number {
    return portOf(this.#server);
  }

  get traffic(): Traffic {
    return { ...this.#counts, open: [...this.#open.keys()] };
  }

  /** @throws {Error} Where the port is taken. */
  async open(): Promise<void> {
    const { listener } = this.#settings;
    await startListening(this.#server, typeof listener === "number" ? listener : 0);
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
    const hash = flowHash(address);
    const { candidates } = this.#beliefs;
    const target = candidates[hash % candidates.length];
    const flow: Changing<Flow> = {
      ...{ number: ++this.#number, at: this.#now(), client: address, state: "opening" },
      ...(target === undefined ? {} : { target }),
    };
    if (target === undefined) {
      // It may be gone already.
      client.on("error", () => {});
      client.resetAndDestroy();
      return this.#end(flow, "no-target");
    }
    const { nodes, idleTimeout, timeScale } = this.#settings;
    const node = nodes[(hash >>> 16) % nodes.length] ?? "127.0.0.1";
    const joint = new Joint(client, routeFrom(node, target), {
      idleTimeout: idleTimeout / timeScale,
      onExpired: () => this.#events.flow("flow-expired", flow),
      onOpen: () => {
        flow.state = "open";
        this.#counts.opened++;
        this.#events.flow("flow-opened", flow);
      },
    });
    this.#open.set(flow, joint);
    this.#end(flow, await joint.ended());
  }

  #end(flow: Changing<Flow>, ending: FlowEnding | "no-target"): void {
    this.#open.delete(flow);
    Object.assign(flow, { ending, state: "ended", endedAt: this.#now() });
    const count = COUNTS[ending];
    this.#counts[count]++;
    this.#events.flow(`flow-${count}`, flow);
  }

  #onTarget(target: Target, event: TargetEvent): void {
    if (event === "sending-ended") return this.#events.sendingEnded(target);
    const { connectionTermination, unhealthyConnectionTermination } = this.#settings;
    if (!(event === "unhealthy" ? unhealthyConnectionTermination : connectionTermination)) return;
    for (const [flow, joint] of this.#open) {
      if (flow.target?.id === target.id && flow.target.port === target.port) joint.cut();
    }
  }
}

const COUNTS: Readonly<
  Record<FlowEnding | "no-target", "refused" | "cut" | "reset" | "closed">
> = {
  ...{ "no-target": "refused", "target-refused": "refused" },
  ...{ "client-reset": "reset", "target-reset": "reset", "cut": "cut", "closed": "closed" },
};

/** FNV-1a, mixed once more so that its low bits depend on all characters. */
function flowHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let place = 0; place < text.length; place++) {
    hash = Math.imul(hash ^ text.charCodeAt(place), 0x01000193);
  }
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0;
}
