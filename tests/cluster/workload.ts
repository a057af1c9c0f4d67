/** What has replicas: pods are made and deleted until what is there is what is wanted. */
import type { Pod } from "./pod.ts";
import type { WorkloadSpec } from "./spec.ts";

/** What `kubectl get` says of a Deployment or a StatefulSet. Terminating pods do not count. */
export interface WorkloadStatus {
  readonly replicas: number;
  readonly updated: number;
  readonly ready: number;
  readonly isRolledOut: boolean;
}

/** What pods are made by. */
export interface PodMaker<Spec> {
  /** Makes a pod and starts it; without a name it gets one of its own. */
  (spec: Spec, revision: number, name?: string): Pod;
}

/** A running Deployment or StatefulSet. */
export abstract class Workload<Spec extends WorkloadSpec = WorkloadSpec> {
  readonly #create: PodMaker<Spec>;
  readonly #pods = new Set<Pod>();
  #spec: Spec;
  #revision = 0;
  #isWorking = false;
  #isDue = false;
  #hasEnded = false;

  /** @param create It makes its first pods when `update` is called. */
  constructor(spec: Spec, create: PodMaker<Spec>) {
    this.#spec = spec;
    this.#create = create;
  }

  get spec(): Spec {
    return this.#spec;
  }

  /** Its pods that are not terminating, oldest first. */
  get pods(): readonly Pod[] {
    return this.present.filter(({ isTerminating }) => !isTerminating);
  }

  get status(): WorkloadStatus {
    const pods = this.pods;
    const updated = pods.filter((pod) => this.isCurrent(pod)).length;
    const ready = pods.filter(({ isReady }) => isReady).length;
    const all = [pods.length, updated, ready];
    const isRolledOut = all.every((count) => count === this.#spec.replicas);
    return { replicas: pods.length, updated, ready, isRolledOut };
  }

  /** Takes over another specification: `isRollout` replaces all pods. */
  update(spec: Spec, isRollout: boolean): void {
    this.#spec = spec;
    if (isRollout) this.#revision++;
    this.changed();
  }

  /** Changes the number of replicas. */
  scale(replicas: number): void {
    this.update({ ...this.#spec, replicas }, false);
  }

  /** Replaces all pods. */
  restart(): void {
    this.update(this.#spec, true);
  }

  /** Makes no more pods. */
  end(): void {
    this.#hasEnded = true;
  }

  /**
   * To be called when something has changed in one of its pods. A change that this leads to calls
   * it again: it works on afterwards, with what is then.
   */
  changed(): void {
    this.#isDue = true;
    if (this.#isWorking) return;
    this.#isWorking = true;
    try {
      while (this.#isDue && !this.#hasEnded) {
        this.#isDue = false;
        for (const pod of this.#pods) if (pod.isGone) this.#pods.delete(pod);
        if (this.reconcile()) this.#isDue = true;
      }
    } finally {
      this.#isWorking = false;
    }
  }

  /** One step towards what is wanted; whether another one is due at once. */
  protected abstract reconcile(): boolean;

  /** Its pods that are not gone. */
  protected get present(): readonly Pod[] {
    return [...this.#pods];
  }

  protected isCurrent({ revision }: Pod): boolean {
    return revision === this.#revision;
  }

  protected create(name?: string): void {
    this.#pods.add(this.#create(this.#spec, this.#revision, name));
  }
}
