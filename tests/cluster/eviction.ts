/**
 * May a pod be evicted? PodDisruptionBudgets as the Eviction API applies them.
 * Source: kubernetes/kubernetes, pkg/registry/core/pod/storage/eviction.go and
 * pkg/controller/disruption/disruption.go.
 */
import { type BudgetSpec, countOf } from "./spec.ts";

/** A pod, as far as a budget is concerned. */
export interface Evictable {
  readonly template: { readonly labels: Readonly<Record<string, string>> };
  readonly isReady: boolean;
  readonly isTerminating: boolean;
}

/** Whether a budget is about a pod. */
export function covers({ selector }: BudgetSpec, { template: { labels } }: Evictable): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}

/**
 * Why a budget refuses the eviction of a pod; undefined where it does not.
 * @param expected How many pods the controllers of the selected pods want.
 */
export function refusal(
  pod: Evictable,
  budget: BudgetSpec,
  { pods, expected }: { readonly pods: readonly Evictable[]; readonly expected: number },
): string | undefined {
  if (pod.isTerminating || !covers(budget, pod)) return undefined;
  if (!pod.isReady && budget.unhealthyAlways) return undefined;
  const healthy =
    pods.filter((one) => covers(budget, one) && one.isReady && !one.isTerminating).length;
  const { limit } = budget;
  const desired = "minAvailable" in limit
    ? countOf(limit.minAvailable, expected, Math.ceil)
    : Math.max(0, expected - countOf(limit.maxUnavailable, expected, Math.ceil));
  // One that is not ready costs nothing while enough others are.
  const left = pod.isReady ? healthy - 1 : healthy;
  return left >= desired
    ? undefined
    : `The disruption budget ${budget.name} needs ${desired} healthy pods and has ${healthy}`;
}
