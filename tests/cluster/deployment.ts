/** A Deployment and its ReplicaSets: pods are made and deleted until what is there is what is wanted. */
import type { Happening } from "./events.ts";
import type { Pod } from "./pod.ts";
import { byDeletion } from "./ranking.ts";
import { fences, newCount, oldCounts } from "./rolling.ts";
import type { DeploymentSpec, PodTemplate } from "./spec.ts";
import type { Time } from "./time.ts";

/** What a Deployment needs of the cluster. */
export interface Owner {
  readonly time: Time;
  record(happening: Happening): void;
  /** Makes a pod without a node. */
  create(spec: DeploymentSpec, revision: number): Pod;
  /** Gives a pod a node, and starts it, if there is one. */
  schedule(pod: Pod): void;
}

/** The pods of one template. */
interface ReplicaSet {
  revision: number;
  readonly template: PodTemplate;
  wanted: number;
  readonly pods: Set<Pod>;
}

/** What `kubectl get deployment` says. Terminating pods do not count. */
export interface Status {
  readonly replicas: number;
  readonly updated: number;
  readonly ready: number;
  readonly available: number;
  readonly isRolledOut: boolean;
}

/** A running Deployment. */
export class Deployment {
  readonly #owner: Owner;
  #spec: DeploymentSpec;
  #sets: ReplicaSet[] = [];
  #revisions = 0;
  #isWorking = false;
  #isDue = false;
  readonly #available = new Set<Pod>();
  /** By pod that is ready, but not for long enough, what ends its wait. */
  readonly #waiting = new Map<Pod, AbortController>();

  /** It makes its first pods when `update` is called. */
  constructor(spec: DeploymentSpec, owner: Owner) {
    this.#owner = owner;
    this.#spec = spec;
  }

  get spec(): DeploymentSpec {
    return this.#spec;
  }

  /** Its pods that are not terminating. */
  get pods(): readonly Pod[] {
    return this.#sets.flatMap(active);
  }

  get status(): Status {
    const current = this.#sets.at(-1);
    const updated = current ? active(current).length : 0;
    const replicas = this.pods.length;
    const available = this.pods.filter((pod) => this.#available.has(pod)).length;
    return {
      replicas,
      updated,
      ready: this.pods.filter(({ isReady }) => isReady).length,
      available,
      isRolledOut: updated === this.#spec.replicas && replicas === updated &&
        available === updated,
    };
  }

  /**
   * Takes over another specification: a template that is another one begins a rollout.
   * @throws {Error} The number of replicas changes during a rollout: not implemented.
   */
  update(spec: DeploymentSpec): void {
    const key = JSON.stringify(spec.template);
    const known = this.#sets.find(({ template }) => JSON.stringify(template) === key);
    const isRolling = this.#sets.filter(({ wanted }) => wanted > 0).length > 1;
    if (isRolling && spec.replicas !== this.#spec.replicas) {
      throw new Error(
        `Deployment ${spec.name}: proportional scaling, during a rollout, is not implemented`,
      );
    }
    this.#spec = spec;
    if (known === undefined || known !== this.#sets.at(-1)) {
      const next = known ?? { revision: 0, template: spec.template, wanted: 0, pods: new Set() };
      next.revision = ++this.#revisions;
      this.#sets = [...this.#sets.filter((set) => set !== known), next];
    }
    this.#reconcile();
  }

  /** To be called when something has changed in one of its pods. */
  changed(pod: Pod): void {
    if (!this.#sets.some(({ pods }) => pods.has(pod))) return;
    const counts = pod.isReady && !pod.isTerminating;
    if (!counts) {
      this.#available.delete(pod);
      this.#waiting.get(pod)?.abort();
      this.#waiting.delete(pod);
    } else if (!this.#available.has(pod) && !this.#waiting.has(pod)) {
      this.#await(pod);
    }
    this.#reconcile();
  }

  /** Makes no more pods and waits for nothing. */
  end(): void {
    this.#sets = [];
    for (const waiting of this.#waiting.values()) waiting.abort();
  }

  #await(pod: Pod): void {
    const controller = new AbortController();
    this.#waiting.set(pod, controller);
    const isOver = this.#spec.minReady === 0
      ? Promise.resolve(true)
      : this.#owner.time.pause(this.#spec.minReady, controller.signal);
    isOver.then((isOver) => {
      if (!isOver || controller.signal.aborted) return;
      this.#waiting.delete(pod);
      this.#available.add(pod);
      pod.record({ kind: "available" });
      this.#reconcile();
    });
  }

  /** Pods that end while it works call it again: it works on afterwards, with what is then. */
  #reconcile(): void {
    this.#isDue = true;
    if (this.#isWorking) return;
    this.#isWorking = true;
    try {
      while (this.#isDue) {
        this.#isDue = false;
        this.#pass();
      }
    } finally {
      this.#isWorking = false;
    }
  }

  #pass(): void {
    const current = this.#sets.at(-1);
    if (!current) return;
    const old = this.#sets.slice(0, -1);
    const { replicas, maxSurge, maxUnavailable } = this.#spec;
    const limits = fences(replicas, maxSurge, maxUnavailable);
    this.#scale(
      current,
      newCount(limits, this.#counts(current), old.map((set) => this.#counts(set))),
    );
    const kept = oldCounts(limits, this.#counts(current), old.map((set) => this.#counts(set)));
    for (const [index, set] of old.entries()) this.#scale(set, kept[index] ?? 0);
    for (const set of this.#sets) this.#fill(set);
  }

  #counts(set: ReplicaSet) {
    const available = active(set).filter((pod) => this.#available.has(pod)).length;
    return { wanted: set.wanted, available };
  }

  #scale(set: ReplicaSet, wanted: number): void {
    if (set.wanted === wanted) return;
    set.wanted = wanted;
    const { revision } = set;
    const deployment = this.#spec.name;
    this.#owner.record({ kind: "scaled", deployment, revision, replicas: wanted });
  }

  /** What a ReplicaSet does: as many pods as are wanted, those that are terminating not counted. */
  #fill(set: ReplicaSet): void {
    const pods = active(set);
    for (let missing = set.wanted - pods.length; missing > 0; missing--) {
      const pod = this.#owner.create({ ...this.#spec, template: set.template }, set.revision);
      set.pods.add(pod);
      // It may be ready at once, so it has to be known before it is started.
      this.#owner.schedule(pod);
    }
    const surplus = Math.max(0, pods.length - set.wanted);
    for (const pod of byDeletion(pods).slice(0, surplus)) pod.terminate("scaled down");
  }
}

function active({ pods }: ReplicaSet): Pod[] {
  return [...pods].filter(({ isTerminating }) => !isTerminating);
}
