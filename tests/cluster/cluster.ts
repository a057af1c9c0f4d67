/** A cluster on one machine: nodes and pods with loopback addresses, containers as processes. */
import type { Milliseconds } from "../../lib/host/duration.ts";
import { until } from "../emulator/pause.ts";
import { Addresses } from "./addresses.ts";
import { Deployment, type Status } from "./deployment.ts";
import { type Event, Timeline } from "./events.ts";
import { covers, type Eviction, judge, type Standing, standing } from "./eviction.ts";
import { readManifest } from "./manifest.ts";
import { Nodes } from "./nodes.ts";
import { Pod } from "./pod.ts";
import { Progress } from "./progress.ts";
import type { BudgetSpec, DeploymentSpec } from "./spec.ts";
import { Time } from "./time.ts";
import type { Images, Rewrite, World } from "./world.ts";

/** How a cluster is made. */
export interface ClusterOptions {
  /** What containers run in the place of their images. */
  readonly images: Images;
  /** By what all times of Kubernetes are divided. By default 1. */
  readonly timeScale?: number;
  /** Changes containers' arguments for this machine. By default they stay as they are. */
  readonly rewrite?: Rewrite;
  /** How many nodes: `node-1`, `node-2` and so on. By default 1. */
  readonly nodes?: number;
  /** How many pods can have an address at once: few make addresses be used again soon. */
  readonly addresses?: number;
  /** Paths of fields that are not known and have no effect in the caller's scene. */
  readonly accept?: readonly string[];
  /** The least real time of a probe's attempt, in milliseconds. By default 1000. */
  readonly probeTimeoutAtLeast?: Milliseconds;
}

/** How often `kubectl drain` asks again after a refusal, in Kubernetes' seconds. */
const EVICTION_RETRY = 5;

/** A running cluster. Disposing of it kills all processes. */
export class Cluster implements AsyncDisposable {
  readonly #options: ClusterOptions;
  readonly #time: Time;
  readonly #timeline: Timeline;
  readonly #addresses: Addresses;
  readonly #world: World;
  readonly #over = new AbortController();
  readonly #broken = Promise.withResolvers<never>();
  readonly #nodes: Nodes;
  readonly #deployments = new Map<string, Deployment>();
  readonly #budgets = new Map<string, BudgetSpec>();
  readonly #pods = new Set<Pod>();
  /** Gone ones too: their output stays readable. */
  readonly #everyPod = new Map<string, Pod>();
  #podsMade = 0;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#time = new Time(options.timeScale ?? 1);
    this.#timeline = new Timeline(this.#time, this.#broken.promise);
    this.#addresses = Addresses.claim(options.addresses);
    this.#nodes = new Nodes(options.nodes ?? 1, this.#addresses);
    // Those who wait are told; nobody need be waiting.
    this.#broken.promise.catch(() => {});
    this.#world = {
      time: this.#time,
      images: options.images,
      rewrite: options.rewrite ?? ((args) => args),
      folder: Deno.makeTempDirSync({ prefix: "cluster-" }),
      probeTimeoutAtLeast: options.probeTimeoutAtLeast ?? 1_000,
      over: this.#over.signal,
      record: (happening) => this.#timeline.record(happening),
      fault: (error) => this.#broken.reject(error),
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

  /** The names and addresses of the nodes. */
  get nodes(): readonly { readonly name: string; readonly ip: string }[] {
    return this.#nodes.all;
  }

  /** Milliseconds since the start: what events are dated by. */
  now(): Milliseconds {
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
  until(isWanted: (event: Event) => boolean, patience?: Milliseconds): Promise<Event> {
    return this.#timeline.until(isWanted, patience);
  }

  /**
   * Creates and changes what a file of manifests says, as `kubectl apply` does.
   * @throws {ManifestError} It is not valid, or has something that is not implemented here.
   */
  apply(yaml: string): void {
    const { deployments, budgets } = readManifest(yaml, this.#options.accept);
    for (const budget of budgets) this.#budgets.set(budget.name, budget);
    for (const spec of deployments) this.#update(spec);
  }

  /** A Deployment's numbers. */
  status(deployment: string): Status {
    return this.#deployment(deployment).status;
  }

  /** Changes the number of replicas, as `kubectl scale` does. */
  scale(deployment: string, replicas: number): void {
    this.#update({ ...this.#deployment(deployment).spec, replicas });
  }

  /** Replaces all pods by rollout, as `kubectl rollout restart` does. */
  restart(deployment: string): void {
    const { spec } = this.#deployment(deployment);
    const restartedAt = { "kubectl.kubernetes.io/restartedAt": `${crypto.randomUUID()}` };
    const annotations = { ...spec.template.annotations, ...restartedAt };
    this.#update({ ...spec, template: { ...spec.template, annotations } });
  }

  /**
   * Waits until a rollout is complete, as `kubectl rollout status` does.
   * @throws {Error} There was no progress for `progressDeadlineSeconds`.
   */
  async rolledOut(name: string): Promise<void> {
    const deployment = this.#deployment(name);
    using progress = new Progress(deployment, this.#time, this.#timeline);
    await this.#unlessBroken(progress.completed);
  }

  /** A pod by its name; one that is gone too. */
  pod(name: string): Pod {
    const found = this.#everyPod.get(name);
    if (!found) throw new Error(`there is no pod ${name}`);
    return found;
  }

  /**
   * Deletes a pod, as `kubectl delete pod` does.
   * @param grace Instead of the pod's grace period, in Kubernetes' seconds.
   * @throws {RangeError} A grace period below 1: deletion by force is not implemented.
   */
  deletePod(name: string, grace?: number): void {
    if (grace !== undefined && !(grace >= 1)) {
      throw new RangeError(`a grace period of ${grace} s, by force, is not implemented`);
    }
    this.pod(name).terminate("deleted", grace);
  }

  /** Kills a container's first process from outside, as `kill -9` on its node does. */
  crash(pod: string, container: string): void {
    this.pod(pod).container(container).crash();
  }

  /** A container's output so far, earlier lives included. */
  log(pod: string, container: string): readonly string[] {
    return this.pod(pod).container(container).log;
  }

  /** Asks the Eviction API to delete a pod. */
  evict(name: string): Eviction {
    const pod = this.pod(name);
    const verdict = judge(pod, [...this.#budgets.values()], (budget) => this.#standing(budget));
    if (verdict.answer === "evict") pod.terminate("evicted");
    else this.#timeline.record({ kind: "eviction-refused", pod: name, reason: verdict.reason });
    return verdict;
  }

  /** Cordons a node and evicts its pods, as `kubectl drain` does; resolves when they are gone. */
  async drain(node: string): Promise<void> {
    this.cordon(node);
    const pods = this.pods.filter((pod) => pod.node === node);
    await this.#unlessBroken(Promise.all(pods.map((pod) => this.#evictInTime(pod))));
  }

  /** Lets no more pods onto a node. */
  cordon(node: string): void {
    this.#nodes.named(node).isCordoned = true;
    this.#timeline.record({ kind: "cordoned", node });
  }

  /** Lets pods onto a node again. */
  uncordon(node: string): void {
    this.#nodes.named(node).isCordoned = false;
    this.#timeline.record({ kind: "uncordoned", node });
    for (const pod of this.#pods) if (!pod.identity && !pod.isTerminating) this.#schedule(pod);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const deployment of this.#deployments.values()) deployment.end();
    this.#over.abort();
    for (const pod of this.#pods) pod.terminate("the cluster ends");
    await Promise.all([...this.#pods].map(({ gone }) => gone));
    this.#addresses[Symbol.dispose]();
    await Deno.remove(this.#world.folder, { recursive: true });
  }

  async #unlessBroken<T>(work: Promise<T>): Promise<T> {
    return await Promise.race([work, this.#broken.promise]);
  }

  #deployment(name: string): Deployment {
    const found = this.#deployments.get(name);
    if (!found) throw new Error(`there is no Deployment ${name}`);
    return found;
  }

  #update(spec: DeploymentSpec): void {
    const deployment = this.#deployments.get(spec.name) ?? new Deployment(spec, {
      time: this.#time,
      record: (happening) => this.#timeline.record(happening),
      create: (spec, revision) => this.#create(spec, revision),
      schedule: (pod) => this.#schedule(pod),
    });
    this.#deployments.set(spec.name, deployment);
    deployment.update(spec);
  }

  #create({ name, namespace, template }: DeploymentSpec, revision: number): Pod {
    const whole = {
      name: `${name}-${revision}-${++this.#podsMade}`,
      namespace,
      template,
      revision,
    };
    const pod = new Pod(whole, this.#world, (pod) => this.#changed(pod));
    this.#pods.add(pod);
    this.#everyPod.set(pod.name, pod);
    return pod;
  }

  /** A pod without a node waits for one. */
  #schedule(pod: Pod): void {
    const node = this.#nodes.pick(this.pods);
    if (!node) return;
    pod.start({ node: node.name, hostIP: node.ip, ip: this.#addresses.take() });
  }

  #changed(pod: Pod): void {
    if (pod.isGone) {
      this.#pods.delete(pod);
      if (pod.ip !== undefined) this.#addresses.release(pod.ip);
    }
    for (const deployment of this.#deployments.values()) deployment.changed(pod);
  }

  #standing(budget: BudgetSpec): Standing {
    const owners = [...this.#deployments.values()]
      .filter(({ pods }) => pods.some((pod) => covers(budget, pod)));
    const expected = owners.reduce((sum, { spec }) => sum + spec.replicas, 0);
    return standing(budget, this.pods, expected);
  }

  async #evictInTime(pod: Pod): Promise<void> {
    while (!pod.isTerminating && this.evict(pod.name).answer !== "evict") {
      if (!await this.#time.pause(EVICTION_RETRY, this.#over.signal)) return;
    }
    await until(pod.gone, this.#over.signal);
  }
}
