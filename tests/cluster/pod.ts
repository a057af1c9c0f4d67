/** A pod: its containers in Kubernetes' order, from the first one's start to the last one's end. */
import { until } from "../emulator/pause.ts";
import { Container } from "./container.ts";
import type { Identity } from "./env.ts";
import type { PodHappening } from "./events.ts";
import type { PodTemplate } from "./spec.ts";
import type { World } from "./world.ts";

/** Where a pod runs. */
export interface Placement {
  readonly node: string;
  readonly hostIP: string;
  readonly ip: string;
}

/** A pod. */
export class Pod {
  readonly name: string;
  readonly namespace: string;
  readonly template: PodTemplate;
  /** Of its Deployment's template, counted from 1. */
  readonly revision: number;
  readonly createdAt: number;
  readonly #world: World;
  readonly #onChange: (pod: Pod) => void;
  readonly #ending = new AbortController();
  readonly #gone = Promise.withResolvers<void>();
  #identity: Identity | undefined;
  #containers: readonly Container[] = [];
  #grace: number;
  #readySince: number | undefined;
  #isInitialized = false;
  #isGone = false;

  /** @param onChange Called when it becomes ready, unready, terminating or gone. */
  constructor(
    { name, namespace, template, revision }: Pick<
      Pod,
      "name" | "namespace" | "template" | "revision"
    >,
    world: World,
    onChange: (pod: Pod) => void,
  ) {
    this.name = name;
    this.namespace = namespace;
    this.template = template;
    this.revision = revision;
    this.createdAt = world.time.now();
    this.#world = world;
    this.#onChange = onChange;
    this.#grace = template.grace;
    this.record({ kind: "created", revision });
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

  /** When it last became ready, on the cluster's clock; `undefined` while it is not. */
  get readySince(): number | undefined {
    return this.#readySince;
  }

  get isReady(): boolean {
    return this.#readySince !== undefined;
  }

  get isTerminating(): boolean {
    return this.#ending.signal.aborted;
  }

  /** Whether its main containers are still to be started. */
  get isPending(): boolean {
    return !this.#isInitialized;
  }

  get restarts(): number {
    return this.#containers.reduce((sum, { restarts }) => sum + restarts, 0);
  }

  /** Whether all of it has ended. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Resolves when all of it has ended. */
  get gone(): Promise<void> {
    return this.#gone.promise;
  }

  /**
   * A container by its name.
   * @throws {Error} The pod has none of that name.
   */
  container(name: string): Container {
    const found = this.#containers.find(({ spec }) => spec.name === name);
    if (!found) throw new Error(`pod ${this.name} has no container ${name}`);
    return found;
  }

  /** Starts its containers on a node. */
  start({ node, hostIP, ip }: Placement): void {
    const { labels, annotations, serviceAccountName, containers, grace } = this.template;
    this.#identity = {
      name: this.name,
      namespace: this.namespace,
      uid: crypto.randomUUID(),
      ip,
      node,
      hostIP,
      serviceAccountName,
      labels,
      annotations,
    };
    const given = {
      pod: this.#identity,
      world: this.#world,
      grace,
      onChange: () => this.#judge(),
    };
    this.#containers = containers.map((spec) => new Container(spec, given));
    this.record({ kind: "scheduled", node, ip });
    this.#run().catch((error) => this.#world.fault(error)).finally(() => this.#end());
  }

  /**
   * Deletes the pod.
   * @param grace In Kubernetes' seconds; by default the pod's own.
   */
  terminate(reason: string, grace: number = this.template.grace): void {
    if (this.isTerminating) return;
    this.#grace = grace;
    this.record({ kind: "terminating", reason });
    this.#ending.abort();
    this.#onChange(this);
    if (!this.#identity) this.#end();
  }

  /** Reports what happened to it. */
  record(happening: PodHappening): void {
    this.#world.record({ pod: this.name, ...happening });
  }

  async #run(): Promise<void> {
    const ending = this.#ending.signal;
    const runs: Promise<void>[] = [];
    for (const container of this.#containers) {
      if (container.spec.role === "main" && !this.#hasMain(runs)) {
        this.#isInitialized = true;
        this.record({ kind: "initialized" });
      }
      const run = container.run(ending).catch((error) => this.#world.fault(error));
      runs.push(run);
      // One after the other; a main container's postStart hook holds back the next one too.
      if (!await until(Promise.race([this.#step(container, run), run]), ending)) break;
    }
    await until(new Promise(() => {}), ending);
    await this.#stopAll();
    await Promise.all(runs);
  }

  #hasMain(runs: readonly unknown[]): boolean {
    return this.#containers.slice(0, runs.length).some(({ spec }) => spec.role === "main");
  }

  /** What the next container waits for. */
  #step(container: Container, run: Promise<void>): Promise<void> {
    switch (container.spec.role) {
      case "init":
        return run;
      case "sidecar":
        return container.startedUp;
      case "main":
        return container.launched;
    }
  }

  /** All at once, but sidecars after all main containers, and in the reverse of their order. */
  async #stopAll(): Promise<void> {
    const grace = this.#grace;
    const running = this.#containers.filter(({ isRunning }) => isRunning);
    const isSidecar = ({ spec }: Container) => spec.role === "sidecar";
    const before = running.filter((one) => !isSidecar(one)).map((one) => one.stop({ grace }));
    for (const sidecar of running.filter(isSidecar).reverse()) {
      before.push(sidecar.stop({ grace, turn: Promise.all([...before]) }));
    }
    await Promise.all(before);
  }

  #judge(): void {
    const serving = this.#containers.filter(({ spec }) => spec.role !== "init");
    const isReady = serving.length > 0 && serving.every((one) => one.isReady);
    if (isReady === this.isReady) return;
    this.#readySince = isReady ? this.#world.time.now() : undefined;
    this.record({ kind: isReady ? "ready" : "unready" });
    this.#onChange(this);
  }

  #end(): void {
    this.#readySince = undefined;
    this.#isGone = true;
    this.record({ kind: "gone" });
    this.#gone.resolve();
    this.#onChange(this);
  }
}
