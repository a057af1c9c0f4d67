/** A pod: its containers in Kubernetes' order, from the first one's start to the last one's end. */
import { until } from "../emulator/pause.ts";
import { Container } from "./container.ts";
import type { Identity } from "./env.ts";
import type { PodHappening } from "./events.ts";
import type { PodTemplate } from "./spec.ts";
import type { World } from "./world.ts";

/** A pod. */
export class Pod {
  readonly name: string;
  readonly template: PodTemplate;
  /** Of its Deployment's template, counted from 1. */
  readonly revision: number;
  readonly #world: World;
  readonly #onChange: (pod: Pod) => void;
  readonly #deletion = new AbortController();
  readonly #gone = Promise.withResolvers<void>();
  #identity: Identity | undefined;
  #containers: readonly Container[] = [];
  #isReady = false;
  #isGone = false;

  /** @param onChange Called when it becomes ready, unready, terminating or gone. */
  constructor(
    { name, template, revision }: Pick<Pod, "name" | "template" | "revision">,
    world: World,
    onChange: (pod: Pod) => void,
  ) {
    this.name = name;
    this.template = template;
    this.revision = revision;
    this.#world = world;
    this.#onChange = onChange;
    this.#record({ kind: "created" });
  }

  get containers(): readonly Container[] {
    return this.#containers;
  }

  /** Name, address and node, once it has a node. */
  get identity(): Identity | undefined {
    return this.#identity;
  }

  get ip(): string | undefined {
    return this.#identity?.ip;
  }

  get node(): string | undefined {
    return this.#identity?.node;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  get isTerminating(): boolean {
    return this.#deletion.signal.aborted;
  }

  /** Whether all of it has ended. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Resolves when all of it has ended. */
  get gone(): Promise<void> {
    return this.#gone.promise;
  }

  /** @throws {Error} The pod has no container of that name. */
  container(name: string): Container {
    const found = this.#containers.find(({ spec }) => spec.name === name);
    if (!found) throw new Error(`pod ${this.name} has no container ${name}`);
    return found;
  }

  /** Starts its containers on a node. */
  start(identity: Identity): void {
    this.#identity = identity;
    const { containers, grace } = this.template;
    const onChange = () => this.#judge();
    const othersKilled = () => Promise.all(this.#containers.map(({ kill }) => kill));
    const given = { pod: identity, world: this.#world, grace, onChange, othersKilled };
    this.#containers = containers.map((spec) => new Container(spec, given));
    this.#record({ kind: "scheduled", node: identity.node, ip: identity.ip });
    this.#run().catch((error) => this.#world.fail(error)).finally(() => this.#end());
  }

  /** Deletes the pod. */
  terminate(reason: string): void {
    if (this.isTerminating) return;
    this.#record({ kind: "terminating", reason });
    this.#deletion.abort();
    this.#onChange(this);
    if (!this.#identity) this.#end();
  }

  async #run(): Promise<void> {
    const deletion = this.#deletion.signal;
    const runs: Promise<void>[] = [];
    for (const container of this.#containers) {
      runs.push(container.runUntil(deletion).catch((error) => this.#world.fail(error)));
      // Sidecars one after the other, main containers all at once.
      if (container.spec.role === "sidecar" && !await until(container.started, deletion)) break;
    }
    await until(new Promise(() => {}), deletion);
    await this.#stopAll();
    await Promise.all(runs);
  }

  /** All hooks at once; sidecars' SIGTERM after all main containers, in the reverse of their order. */
  async #stopAll(): Promise<void> {
    const { grace } = this.template;
    const isSidecar = ({ spec }: Container) => spec.role === "sidecar";
    const ends = this.#containers.filter((one) => !isSidecar(one)).map((one) => one.stop(grace));
    for (const sidecar of this.#containers.filter(isSidecar).reverse()) {
      ends.push(sidecar.stop(grace, Promise.all([...ends])));
    }
    await Promise.all(ends);
  }

  #judge(): void {
    const isReady = this.#containers.every((one) => one.isReady);
    if (isReady === this.#isReady) return;
    this.#isReady = isReady;
    this.#record({ kind: isReady ? "ready" : "unready" });
    this.#onChange(this);
  }

  #end(): void {
    this.#isReady = false;
    this.#isGone = true;
    this.#record({ kind: "gone" });
    this.#gone.resolve();
    this.#onChange(this);
  }

  #record(happening: PodHappening): void {
    this.#world.record({ pod: this.name, ...happening });
  }
}
