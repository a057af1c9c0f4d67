/**
 * How a Deployment moves from old pods to new ones, as sums.
 * Source: kubernetes/kubernetes, pkg/controller/deployment/rolling.go and util/deployment_util.go.
 */
import type { Count } from "./spec.ts";

/** A ReplicaSet, in numbers. Pods that are terminating do not count. */
export interface SetCounts {
  readonly wanted: number;
  readonly available: number;
}

/** What a Deployment asks for, in numbers. */
export interface Fences {
  readonly replicas: number;
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/** A number of pods: a percentage is one of all of them. */
export function countOf(count: Count, all: number, round: (value: number) => number): number {
  if (typeof count === "number") return count;
  const percent = /^(\d+)%$/.exec(count)?.[1];
  if (percent === undefined) throw new RangeError(`${count} is neither a number nor a percentage`);
  return round(Number(percent) * all / 100);
}

/**
 * The two limits as numbers: the surge is rounded up, the unavailable down; when both come to 0
 * one pod may be unavailable, since nothing could move otherwise.
 */
export function fences(replicas: number, maxSurge: Count, maxUnavailable: Count): Fences {
  const surge = countOf(maxSurge, replicas, Math.ceil);
  const unavailable = countOf(maxUnavailable, replicas, Math.floor);
  return {
    replicas,
    maxSurge: surge,
    maxUnavailable: surge === 0 && unavailable === 0 ? 1 : unavailable,
  };
}

/** How many pods the new set gets: as many as the surge leaves room for. */
export function newCount(limits: Fences, current: SetCounts, old: readonly SetCounts[]): number {
  if (current.wanted >= limits.replicas) return limits.replicas;
  const all = sum([current, ...old], ({ wanted }) => wanted);
  const room = limits.replicas + limits.maxSurge - all;
  if (room <= 0) return current.wanted;
  return current.wanted + Math.min(room, limits.replicas - current.wanted);
}

/**
 * How many pods the old sets keep, oldest first: those that are not available go first, then as
 * many as leave enough available ones.
 */
export function oldCounts(
  limits: Fences,
  current: SetCounts,
  old: readonly SetCounts[],
): number[] {
  const least = limits.replicas - limits.maxUnavailable;
  const all = sum([current, ...old], ({ wanted }) => wanted);
  const newUnavailable = current.wanted - current.available;
  const most = all - least - newUnavailable;
  const kept = old.map(({ wanted }) => wanted);
  if (most <= 0) return kept;
  takeAway(kept, most, (index) => {
    const set = old[index];
    return set ? set.wanted - Math.min(set.wanted, set.available) : 0;
  });
  const available = sum([current, ...old], (set) => set.available);
  takeAway(kept, available - least, (index) => kept[index] ?? 0);
  return kept;
}

/** Takes up to `most` in all, oldest first, and from each what may be taken from it. */
function takeAway(kept: number[], most: number, from: (index: number) => number): void {
  let left = most;
  for (const index of kept.keys()) {
    if (left <= 0) return;
    const taken = Math.min(left, from(index));
    kept[index] = (kept[index] ?? 0) - taken;
    left -= taken;
  }
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
