/** What came of the rollouts of one strategy. */
import type { LoadReport } from "../cluster/load.ts";
import type { Event } from "../cluster/events.ts";
import type { Loss } from "./recording.ts";
import type { Scene } from "./scene.ts";
import { real } from "./time.ts";
import { countOf } from "./users.ts";

/** Figures of one or more rollouts; times are in seconds of a real cluster. */
export interface Outcome {
  readonly strategy: string;
  readonly rollouts: number;
  /** Connections that users began. */
  readonly begun: number;
  /** Those that failed them. */
  readonly failed: number;
  /** Those that were not tried, for want of ports or files, or because too many were open. */
  readonly notTried: number;
  /** From the restart until all new pods are available: the mean. */
  readonly duration: number;
  /** From the last restart until the last old pod is gone. */
  readonly untilGone: number;
  /** Calls of the API for each rollout. */
  readonly calls: number;
  /** Of pods beyond the replicas, for each rollout: pods times seconds. */
  readonly surplus: number;
  readonly losses: readonly Loss[];
}

/** How much is done in a scene. */
export interface Plan {
  /** One right after the other: the old pods of one may drain while the next goes on. */
  readonly rollouts: number;
  /** Users go on until so many connections were begun. */
  readonly connections?: number;
  /** Told after each rollout: how many there were, and how many connections failed so far. */
  readonly tell?: (rollouts: number, failed: number) => void;
}

/** Rolls out in a scene, and takes the figures. */
export async function rollOut(scene: Scene, plan: Plan): Promise<Outcome> {
  const { cluster, users } = scene;
  const before = { at: cluster.now(), calls: scene.calls };
  const durations: number[] = [];
  let last = before.at;
  while (durations.length < plan.rollouts) {
    last = cluster.now();
    durations.push(await scene.rollout());
    plan.tell?.(durations.length, users.count.failed);
  }
  await scene.settled();
  const gone = cluster.events.findLast(({ kind }) => kind === "gone")?.at ?? last;
  const calls = scene.calls - before.calls;
  await users.begun(plan.connections ?? 0);
  const report = await users.stop();
  return {
    strategy: scene.strategy.name,
    rollouts: plan.rollouts,
    ...seenByUsers(report),
    duration: real(durations.reduce((sum, one) => sum + one, 0) / durations.length),
    untilGone: real(gone - last),
    calls: calls / plan.rollouts,
    surplus: real(surplus(cluster.events, scene.replicas, before.at)) / plan.rollouts,
    losses: scene.recording.losses(users),
  };
}

/** What the report says of connections. */
export function seenByUsers(
  { tallies, failures, withheld }: LoadReport,
): Pick<Outcome, "begun" | "failed" | "notTried"> {
  const notTried = failures.filter(({ what }) => what === "not-tried").length;
  const { begun, failed } = countOf(tallies);
  return { begun: begun - notTried, failed: failed - notTried, notTried: notTried + withheld };
}

/** The pods beyond the replicas, from a time on: in pods times milliseconds. */
export function surplus(events: readonly Event[], replicas: number, from: number): number {
  let [pods, at, sum] = [0, 0, 0];
  for (const event of events) {
    if (event.kind !== "created" && event.kind !== "gone") continue;
    sum += Math.max(0, pods - replicas) * Math.max(0, event.at - Math.max(at, from));
    pods += event.kind === "created" ? 1 : -1;
    at = event.at;
  }
  return sum;
}
