/** A StatefulSet: as pkg/controller/statefulset/stateful_set_control.go. */
import type { StatefulSetSpec } from "./spec.ts";
import { Workload } from "./workload.ts";

/** A running StatefulSet. */
export class StatefulSet extends Workload<StatefulSetSpec> {
  protected override reconcile(): boolean {
    const { name, replicas, isParallel } = this.spec;
    const byOrdinal = new Map(this.present.map((pod) => [ordinalOf(pod), pod]));
    for (let ordinal = 0; ordinal < replicas; ordinal++) {
      const pod = byOrdinal.get(ordinal);
      // A pod of the same name is made when the old one is gone, not before.
      if (!pod) this.create(`${name}-${ordinal}`);
      if (!isParallel && (!pod?.isReady || pod.isTerminating)) return false;
    }
    const pods = this.pods.toSorted((one, other) => ordinalOf(other) - ordinalOf(one));
    for (const pod of pods.filter((pod) => ordinalOf(pod) >= replicas)) {
      pod.terminate("scaled down");
      if (!isParallel) return false;
    }
    // One at a time, the highest ordinal first, whatever the policy.
    const isWhole = this.pods.length === replicas && this.pods.every(({ isReady }) => isReady);
    const outdated = pods.find((pod) => !this.isCurrent(pod));
    if (outdated && (isWhole || !outdated.isReady)) outdated.terminate("updated");
    return false;
  }
}

function ordinalOf({ name }: { readonly name: string }): number {
  return Number(name.slice(name.lastIndexOf("-") + 1));
}
