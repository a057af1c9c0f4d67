/** A Deployment: as pkg/controller/deployment/rolling.go, first up, then down. */
import type { Pod } from "./pod.ts";
import { countOf, type DeploymentSpec } from "./spec.ts";
import { Workload } from "./workload.ts";

/** A running Deployment. */
export class Deployment extends Workload<DeploymentSpec> {
  protected override reconcile(): boolean {
    const { replicas, maxSurge, maxUnavailable } = limitsOf(this.spec);
    const pods = this.pods;
    const current = pods.filter((pod) => this.isCurrent(pod));
    const old = pods.filter((pod) => !current.includes(pod));
    const room = Math.min(replicas + maxSurge - pods.length, replicas - current.length);
    for (let made = 0; made < room; made++) this.create();
    for (const pod of unreadyFirst(current).slice(replicas)) pod.terminate("scaled down");
    if (room > 0) return true;
    const least = replicas - maxUnavailable;
    const ready = pods.filter(({ isReady }) => isReady).length;
    const newUnready = current.filter(({ isReady }) => !isReady).length;
    const unreadyOld = old.filter(({ isReady }) => !isReady);
    const removable = unreadyOld.slice(0, Math.max(0, pods.length - least - newUnready));
    const readyOld = old.filter(({ isReady }) => isReady).slice(0, Math.max(0, ready - least));
    for (const pod of [...removable, ...readyOld]) pod.terminate("scaled down");
    return false;
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
