/** What came of the rollouts of one strategy, and that rollouts by our manifests lose nothing. */
import type { Event } from "../cluster/events.ts";
import type { Condition } from "./conditions.ts";
import { SIDECAR } from "./manifests.ts";
import type { Command } from "./programs.ts";
import { type Loss, lossLines } from "./recording.ts";
import { Scene } from "./scene.ts";
import { named, STRATEGIES } from "./strategies.ts";
import { real } from "./time.ts";
import type { Count } from "./users.ts";

/** Figures of one or more rollouts; times are in seconds of a real cluster. */
export interface Outcome extends Count {
  readonly strategy: string;
  readonly rollouts: number;
  /** From the restart until all new pods are available: the mean. */
  readonly duration: number;
  /** From the last restart until the last old pod is gone. */
  readonly untilGone: number;
  /** Calls of the API for each rollout. */
  readonly calls: number;
  /** Of pods beyond the replicas, for each rollout: pods times seconds. */
  readonly surplus: number;
  readonly losses: readonly Loss[];
  /** The longest time that the load balancer stood still, in milliseconds of this machine. */
  readonly standstill: number;
}

/** How much is done in a scene, or, for a proof, with each of the two manifests. */
export interface Size {
  /** One right after the other: the old pods of one may drain while the next continues. */
  readonly rollouts: number;
  /** Users continue until so many connections were begun. */
  readonly connections?: number;
  readonly replicas?: number;
}

/** 20,000 connections and 20 rollouts in all. */
export const WHOLE = { rollouts: 10, connections: 10_000 } satisfies Size;
/** What CI has the time for. */
export const SHORT = { rollouts: 1, connections: 500, replicas: 2 } satisfies Size;

/** Rolls out in a scene, and takes the figures. */
export async function rollOut(scene: Scene, { rollouts, connections = 0 }: Size): Promise<Outcome> {
  const { cluster, users, recording, strategy } = scene;
  const before = { at: cluster.now(), calls: scene.calls() };
  const durations: number[] = [];
  let last = before.at;
  while (durations.length < rollouts) {
    last = cluster.now();
    durations.push(await scene.rollout());
    if (rollouts > 1) {
      const { failed } = users.count;
      console.log(`${strategy.name}: rollout ${durations.length}, ${failed} failed so far`);
    }
  }
  await scene.settled();
  const gone = cluster.events.findLast(({ kind }) => kind === "gone")?.at ?? last;
  const calls = scene.calls() - before.calls;
  await users.begun(connections);
  const count = await users.stop();
  return {
    ...{ strategy: strategy.name, rollouts, ...count },
    duration: real(durations.reduce((sum, one) => sum + one, 0) / durations.length),
    untilGone: real(gone - last),
    calls: calls / rollouts,
    surplus: real(surplus(cluster.events, scene.replicas, before.at)) / rollouts,
    losses: recording.losses(users),
    standstill: recording.standstill,
  };
}

/** Rolls out by both of our manifests, side by side. */
export async function prove(
  sidecar: Command,
  condition: Condition,
  { replicas, ...size }: Size,
): Promise<Outcome[]> {
  return await Promise.all(["sidecar", "native-sidecar"].map(async (name) => {
    await using scene = await Scene.start({
      ...{ strategy: named(name, STRATEGIES), sidecar, condition },
      ...(replicas !== undefined && { changes: { replicas } }),
    });
    try {
      return await rollOut(scene, size);
    } catch (error) {
      for (const line of reportOf(scene)) console.log(line);
      throw error;
    }
  }));
}

/** For a rollout that went wrong: losses, and the logs of pods that are not ready. */
function reportOf({ cluster, recording, users, strategy }: Scene): string[] {
  const unready = cluster.pods.filter(({ isReady, isTerminating }) => !isReady && !isTerminating);
  return [
    ...lossLines(strategy.name, recording.losses(users)),
    ...unready.flatMap(({ name }) => [
      `${name} is not ready; the end of its sidecar's log:`,
      ...cluster.log(name, SIDECAR).slice(-15).map((line) => `  ${line}`),
    ]),
  ];
}

/** The one line that says how it went. */
export function verdict(outcomes: readonly Outcome[]): string {
  const sum = (of: (outcome: Outcome) => number) =>
    outcomes.reduce((total, outcome) => total + of(outcome), 0);
  return `${sum(({ failed }) => failed)} of ${sum(({ begun }) => begun)} connections failed in ` +
    `${sum(({ rollouts }) => rollouts)} rollouts`;
}

/** Whether nothing was lost of as much as was to be tried. */
export function holds(outcomes: readonly Outcome[], { connections = 0 }: Size): boolean {
  return outcomes.every(({ failed, begun }) => failed === 0 && begun >= connections);
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
