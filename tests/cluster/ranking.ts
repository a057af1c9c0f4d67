/** Which pod goes first when a ReplicaSet has too many. */
import type { Pod } from "./pod.ts";

/**
 * Sorts pods by who goes first: without a node, pending, not ready, in company on its node, ready
 * for a shorter time, restarted more often, younger.
 * Source: kubernetes/kubernetes, pkg/controller/controller_utils.go, ActivePodsWithRanks; without
 * its deletion cost and its rounding of times.
 */
export function byDeletion(pods: readonly Pod[]): Pod[] {
  const onNode = new Map<string | undefined, number>();
  for (const { node } of pods) onNode.set(node, (onNode.get(node) ?? 0) + 1);
  const rank = (pod: Pod) => [
    pod.node === undefined ? 0 : 1,
    pod.isPending ? 0 : 1,
    pod.isReady ? 1 : 0,
    -(onNode.get(pod.node) ?? 0),
    -(pod.readySince ?? 0),
    -pod.restarts,
    -pod.createdAt,
  ];
  return [...pods].sort((one, other) => compare(rank(one), rank(other)));
}

function compare(one: readonly number[], other: readonly number[]): number {
  for (const [index, value] of one.entries()) {
    const difference = value - (other[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
