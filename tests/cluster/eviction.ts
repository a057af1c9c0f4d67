/**
 * May a pod be evicted? PodDisruptionBudgets as the Eviction API applies them.
 * Source: kubernetes/kubernetes, pkg/registry/core/pod/storage/eviction.go and
 * pkg/controller/disruption/disruption.go.
 */
import { countOf } from "./rolling.ts";
import { type BudgetSpec, isSelected } from "./spec.ts";

/** A pod, as far as a budget is concerned. */
export interface Evictable {
  readonly namespace: string;
  readonly template: { readonly labels: Readonly<Record<string, string>> };
  readonly isReady: boolean;
  readonly isPending: boolean;
  readonly isTerminating: boolean;
}

/** How many pods a budget counts. */
export interface Standing {
  readonly healthy: number;
  readonly desired: number;
  readonly allowed: number;
}

/** What the Eviction API answers; `tooMany` is its status 429: try again later. */
export type Eviction =
  | { readonly answer: "evict" }
  | { readonly answer: "tooMany" | "misconfigured"; readonly reason: string };

/**
 * Where a budget stands.
 * @param expected How many pods the controllers of the selected pods want.
 */
export function standing(
  budget: BudgetSpec,
  pods: readonly Evictable[],
  expected: number,
): Standing {
  const { limit } = budget;
  const healthy = pods.filter((pod) => covers(budget, pod) && pod.isReady && !pod.isTerminating);
  const desired = "minAvailable" in limit
    ? countOf(limit.minAvailable, expected, Math.ceil)
    : Math.max(0, expected - countOf(limit.maxUnavailable, expected, Math.ceil));
  const allowed = expected > 0 ? Math.max(0, healthy.length - desired) : 0;
  return { healthy: healthy.length, desired, allowed };
}

/** Whether a budget is about a pod. */
export function covers(budget: BudgetSpec, pod: Evictable): boolean {
  return budget.namespace === pod.namespace && isSelected(pod.template.labels, budget.selector);
}

/** Answers the request to evict a pod. */
export function judge(
  pod: Evictable,
  budgets: readonly BudgetSpec[],
  standingOf: (budget: BudgetSpec) => Standing,
): Eviction {
  if (pod.isPending || pod.isTerminating) return { answer: "evict" };
  const own = budgets.filter((budget) => covers(budget, pod));
  if (own.length > 1) {
    return {
      answer: "misconfigured",
      reason: "This pod has more than one PodDisruptionBudget, which the eviction subresource " +
        "does not support.",
    };
  }
  const [budget] = own;
  if (!budget) return { answer: "evict" };
  const { healthy, desired, allowed } = standingOf(budget);
  if (!pod.isReady) {
    if (budget.alwaysEvictsUnready) return { answer: "evict" };
    if (healthy >= desired && desired > 0) return { answer: "evict" };
  }
  if (allowed > 0) return { answer: "evict" };
  return {
    answer: "tooMany",
    reason: `The disruption budget ${budget.name} needs ${desired} healthy pods and has ` +
      `${healthy} currently`,
  };
}
