/** A cluster on one machine: nodes and pods with loopback addresses, containers as processes. */
import { Agent } from "node:http";
import { until } from "../emulator/pause.ts";
import { Addresses } from "./addresses.ts";
import { Deployment } from "./deployment.ts";
import { type Event, Timeline } from "./events.ts";
import { covers, refusal } from "./eviction.ts";
import { readManifest } from "./manifest.ts";
import { Pod } from "./pod.ts";
import type { BudgetSpec, DeploymentSpec, StatefulSetSpec, WorkloadSpec } from "./spec.ts";
import { StatefulSet } from "./stateful_set.ts";
import { Limit, Time } from "./time.ts";
import type { WorkloadStatus } from "./workload.ts";
import type { Images, Rewrite, World } from "./world.ts";

/** How a cluster is made. */
export interface ClusterOptions {
  /** What containers run in the place of their images. */
  readonly images: Images;
  /** By what all times of Kubernetes are divided. @default {1} */
  readonly timeScale?: number;
  /** Changes containers' arguments for this machine. By default they stay as they are. */
  readonly rewrite?: Rewrite;
  /** How many nodes: `node-1`, `node-2` and so on. @default {1} */
  readonly nodes?: number;
  /** How many pods can have an address at once: few make addresses be used again soon. */
  readonly addresses?: number;
  /** Whether the kubelet calls from its node's address, or from a bridge's. @default {"node"} */
  readonly kubeletCallsFrom?: "node" | "bridge";
  /** The least real time of a probe's attempt, in milliseconds. @default {1000} */
  readonly probeTimeoutAtLeast?: number;
  /**
   * The least real time between the end of a container and its next start, in milliseconds: what
   * the program beside it sees of that, as its own times are not scaled. @default {0}
   */
  readonly restartAtLeast?: number;
}

interface Node {
  readonly name: string;
  readonly ip: string;
  /** Whether it takes no more pods. */
  isCordoned: boolean;
}

/** How often `kubectl drain` asks again after a refusal, in Kubernetes' seconds. */
const EVICTION_RETRY = 5;

/** What counts as progress of a rollout. */
const PROGRESS: ReadonlySet<Event["kind"]> = new Set(["created", "ready"]);

/** A running cluster. Disposing of it kills all processes. */
export class Cluster implements AsyncDisposable {
  readonly #options: ClusterOptions;
  readonly #time: Time;
  readonly #timeline: Timeline;
  readonly #addresses: Addresses;
  readonly #world: World;
  readonly #over = new AbortController();
  readonly #broken = Promise.withResolvers<never>();
  readonly #nodes: readonly Node[];
  readonly #workloads = new Map<string, Deployment | StatefulSet>();
  readonly #budgets = new Map<string, BudgetSpec>();
  readonly #pods = new Set<Pod>();
  /** Gone ones too: their output stays readable. */
  readonly #everyPod = new Map<string, Pod>();

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#time = new Time(options.timeScale ?? 1);
    this.#timeline = new Timeline(this.#time, this.#broken.promise);
    this.#addresses = Addresses.claim(options.addresses);
    this.#nodes = Array.from({ length: options.nodes ?? 1 }, (_, index) => ({
      name: `node-${index + 1}`,
      ip: this.#addresses.node(),
      isCordoned: false,
    }));
    // It rejects for those who wait; there may be none.
    this.#broken.promise.catch(() => {});
    this.#world = {
      time: this.#time,
      images: options.images,
      rewrite: options.rewrite ?? ((args) => args),
      probeTimeoutAtLeast: options.probeTimeoutAtLeast ?? 1_000,
      restartAtLeast: options.restartAtLeast ?? 0,
      hookConnections: new Agent({ keepAlive: true }),
      over: this.#over.signal,
      record: (happening) => this.#timeline.record(happening),
      fail: (error) => this.#broken.reject(error),
    };
  }

  /** All that has happened so far, in order. */
  get events(): readonly Event[] {
    return this.#timeline.events;
  }

  /** All pods, those that are terminating included. */
  get pods(): readonly Pod[] {
    return [...this.#pods];
  }

  /** Real milliseconds since the start: what events are dated by. */
  now(): number {
    return this.#time.now();
  }

  /** Calls the listener for each event to come, until the result is called. */
  listen(listener: (event: Event) => void): () => void {
    return this.#timeline.listen(listener);
  }

  /**
   * Waits for an event, those that have happened included.
   * @throws {Error} It did not come in time, or a container could not be run at all.
   */
  until(isWanted: (event: Event) => boolean): Promise<Event> {
    return this.#timeline.until(isWanted);
  }

  /**
   * Creates and changes what a file of manifests says, as `kubectl apply` does.
   * @throws {ManifestError} It has something that is not implemented here.
   */
  apply(yaml: string): void {
    const { workloads, budgets } = readManifest(yaml);
    for (const budget of budgets) this.#budgets.set(budget.name, budget);
    for (const spec of workloads) {
      const known = this.#workloads.get(spec.name);
      const isSame = JSON.stringify(known?.spec.template) === JSON.stringify(spec.template);
      this.#update(spec, !isSame);
    }
  }

  status(workload: string): WorkloadStatus {
    return this.#workload(workload).status;
  }

  /** Changes the number of replicas, as `kubectl scale` does. */
  scale(name: string, replicas: number): void {
    this.#workload(name).scale(replicas);
  }

  /** Replaces all pods by rollout, as `kubectl rollout restart` does. */
  restart(name: string): void {
    this.#workload(name).restart();
  }

  /**
   * Waits until a rollout is complete, as `kubectl rollout status` does.
   * @throws {Error} There was no progress for `progressDeadlineSeconds`.
   */
  async rolledOut(name: string): Promise<void> {
    const workload = this.#workload(name);
    while (!workload.status.isRolledOut) {
      using limit = new Limit(
        this.#time.scaled(workload.spec.progressDeadline),
        this.#world.over,
      );
      const { promise, resolve } = Promise.withResolvers<void>();
      const stop = this.listen(({ kind }) => PROGRESS.has(kind) && resolve());
      const hasMoved = await this.#unlessBroken(until(promise, limit.signal)).finally(stop);
      if (!hasMoved) {
        throw new Error(`${name} exceeded its deadline: ${JSON.stringify(workload.status)}`);
      }
    }
  }

  /** A pod by its name; one that is gone too. */
  pod(name: string): Pod {
    const found = this.#everyPod.get(name);
    if (!found) throw new Error(`there is no pod ${name}`);
    return found;
  }

  /** Deletes a pod, as `kubectl delete pod` does. */
  deletePod(name: string): void {
    this.pod(name).terminate("deleted");
  }

  /** Kills a container's first process from outside, as `kill -9` on its node does. */
  crash(pod: string, container: string): void {
    this.pod(pod).container(container).crash();
  }

  /** A container's output so far, earlier runs included. */
  log(pod: string, container: string): readonly string[] {
    return this.pod(pod).container(container).log;
  }

  /** Asks the Eviction API to delete a pod; whether it does. */
  evict(name: string): boolean {
    const pod = this.pod(name);
    const covering = [...this.#budgets.values()].filter((budget) => covers(budget, pod));
    const reasons = covering.length > 1
      ? ["This pod has more than one PodDisruptionBudget, which the eviction API does not support"]
      : covering.map((budget) =>
        refusal(pod, budget, { pods: this.pods, expected: this.#expected(budget) })
      );
    const reason = reasons.find((reason) => reason !== undefined);
    if (reason !== undefined) {
      this.#timeline.record({ kind: "eviction-refused", pod: name, reason });
      return false;
    }
    pod.terminate("evicted");
    return true;
  }

  /** Cordons a node and evicts its pods, as `kubectl drain` does; resolves when they are gone. */
  async drain(name: string): Promise<void> {
    const node = this.#nodes.find((one) => one.name === name);
    if (!node) throw new Error(`there is no node ${name}`);
    node.isCordoned = true;
    this.#timeline.record({ kind: "cordoned", node: name });
    const pods = this.pods.filter((pod) => pod.node === name);
    await this.#unlessBroken(Promise.all(pods.map((pod) => this.#evictInTime(pod))));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const workload of this.#workloads.values()) workload.end();
    this.#over.abort();
    for (const pod of this.#pods) pod.terminate("the cluster ends");
    await Promise.all([...this.#pods].map(({ gone }) => gone));
    this.#world.hookConnections.destroy();
    this.#addresses[Symbol.dispose]();
  }

  async #unlessBroken<T>(work: Promise<T>): Promise<T> {
    return await Promise.race([work, this.#broken.promise]);
  }

  #workload(name: string): Deployment | StatefulSet {
    const found = this.#workloads.get(name);
    if (!found) throw new Error(`there is no workload ${name}`);
    return found;
  }

  #update(spec: DeploymentSpec | StatefulSetSpec, isRollout: boolean): void {
    const create = this.#create.bind(this);
    const known = this.#workloads.get(spec.name);
    if (spec.kind === "Deployment") {
      const one = known instanceof Deployment ? known : new Deployment(spec, create);
      this.#workloads.set(spec.name, one);
      one.update(spec, isRollout);
    } else {
      const one = known instanceof StatefulSet ? known : new StatefulSet(spec, create);
      this.#workloads.set(spec.name, one);
      one.update(spec, isRollout);
    }
  }

  #create({ name, template }: WorkloadSpec, revision: number, own?: string): Pod {
    const unique = `${name}-${revision}-${this.#everyPod.size + 1}`;
    const named = { name: own ?? unique, template, revision };
    const pod = new Pod(named, this.#world, (pod) => this.#changed(pod));
    this.#pods.add(pod);
    this.#everyPod.set(pod.name, pod);
    this.#schedule(pod);
    return pod;
  }

  /** To the node with the fewest pods. */
  #schedule(pod: Pod): void {
    const load = ({ name }: Node) => this.pods.filter(({ node }) => node === name).length;
    const [node] = this.#nodes.filter(({ isCordoned }) => !isCordoned)
      .toSorted((one, other) => load(one) - load(other));
    if (!node) throw new Error("no node takes pods");
    const { hostNetwork } = pod.template;
    pod.start({
      name: pod.name,
      node: node.name,
      hostIP: node.ip,
      ip: hostNetwork ? node.ip : this.#addresses.take(),
      kubelet: this.#options.kubeletCallsFrom === "bridge" ? this.#addresses.bridge : node.ip,
      hostNetwork,
    });
  }

  #changed(pod: Pod): void {
    if (pod.isGone) {
      this.#pods.delete(pod);
      const { ip, hostNetwork = true } = pod.identity ?? {};
      if (ip !== undefined && !hostNetwork) this.#addresses.release(ip);
    }
    for (const workload of this.#workloads.values()) workload.changed();
  }

  #expected(budget: BudgetSpec): number {
    return [...this.#workloads.values()]
      .filter(({ pods }) => pods.some((pod) => covers(budget, pod)))
      .reduce((sum, { spec }) => sum + spec.replicas, 0);
  }

  async #evictInTime(pod: Pod): Promise<void> {
    while (!pod.isTerminating && !this.evict(pod.name)) {
      if (!await this.#time.pause(EVICTION_RETRY, this.#over.signal)) return;
    }
    await until(pod.gone, this.#over.signal);
  }
}
