/** A Deployment: pods are made and deleted until what is there is what is wanted. */
import type { Pod } from "./pod.ts";
import { countOf, type DeploymentSpec } from "./spec.ts";

/** What `kubectl get deployment` says. Terminating pods do not count. */
export interface DeploymentStatus {
  readonly replicas: number;
  readonly updated: number;
  readonly ready: number;
  readonly isRolledOut: boolean;
}

/** A running Deployment. */
export class Deployment {
  readonly #create: (spec: DeploymentSpec, revision: number) => Pod;
  readonly #pods = new Set<Pod>();
  #spec: DeploymentSpec;
  #revision = 0;
  #isWorking = false;
  #isDue = false;
  #hasEnded = false;

  /** @param create Makes a pod and starts it. It makes its first pods when `update` is called. */
  constructor(
    spec: DeploymentSpec,
    create: (spec: DeploymentSpec, revision: number) => Pod,
  ) {
    this.#spec = spec;
    this.#create = create;
  }

  get spec(): DeploymentSpec {
    return this.#spec;
  }

  /** Its pods that are not terminating, oldest first. */
  get pods(): readonly Pod[] {
    return [...this.#pods].filter(({ isTerminating }) => !isTerminating);
  }

  get status(): DeploymentStatus {
    const pods = this.pods;
    const updated = pods.filter(({ revision }) => revision === this.#revision).length;
    const ready = pods.filter(({ isReady }) => isReady).length;
    const all = [pods.length, updated, ready];
    const isRolledOut = all.every((count) => count === this.#spec.replicas);
    return { replicas: pods.length, updated, ready, isRolledOut };
  }

  /** Takes over another specification: `isRollout` replaces all pods. */
  update(spec: DeploymentSpec, isRollout: boolean): void {
    this.#spec = spec;
    if (isRollout) this.#revision++;
    this.changed();
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
        this.#reconcile();
      }
    } finally {
      this.#isWorking = false;
    }
  }

  /** As pkg/controller/deployment/rolling.go: first up, then down. */
  #reconcile(): void {
    for (const pod of this.#pods) if (pod.isGone) this.#pods.delete(pod);
    const { replicas, maxSurge, maxUnavailable } = limitsOf(this.#spec);
    const pods = this.pods;
    const current = pods.filter(({ revision }) => revision === this.#revision);
    const old = pods.filter((pod) => !current.includes(pod));
    const room = Math.min(replicas + maxSurge - pods.length, replicas - current.length);
    for (let made = 0; made < room; made++) {
      this.#pods.add(this.#create(this.#spec, this.#revision));
    }
    for (const pod of unreadyFirst(current).slice(replicas)) pod.terminate("scaled down");
    if (room > 0) return void (this.#isDue = true);
    const least = replicas - maxUnavailable;
    const ready = pods.filter(({ isReady }) => isReady).length;
    const newUnready = current.filter(({ isReady }) => !isReady).length;
    const unreadyOld = old.filter(({ isReady }) => !isReady);
    const removable = unreadyOld.slice(0, Math.max(0, pods.length - least - newUnready));
    const readyOld = old.filter(({ isReady }) => isReady).slice(0, Math.max(0, ready - least));
    for (const pod of [...removable, ...readyOld]) pod.terminate("scaled down");
  }
}

/** Those that stay come first: the ready ones, and of these the older ones. */
function unreadyFirst(pods: readonly Pod[]): Pod[] {
  return pods.toSorted((one, other) => Number(other.isReady) - Number(one.isReady));
}

/** The surge is rounded up, the unavailable down; where both come to 0 nothing could move. */
function limitsOf({ replicas, maxSurge, maxUnavailable }: DeploymentSpec) {
  const surge = countOf(maxSurge, replicas, Math.ceil);
  const unavailable = countOf(maxUnavailable, replicas, Math.floor);
  return {
    replicas,
    maxSurge: surge,
    maxUnavailable: surge === 0 ? unavailable || 1 : unavailable,
  };
}
