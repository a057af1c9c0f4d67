/** What to look at when a rollout went wrong. */
import { SIDECAR } from "./manifests.ts";
import type { Loss } from "./recording.ts";
import type { Scene } from "./scene.ts";

/** Of a pod's log, so many lines. */
const LINES = 15;
/** Losses within so many milliseconds are told of together. */
const TOGETHER = 500;

/** Losses by pod and time, and the logs of the pods that are not in service. */
export function autopsy(scene: Scene): string[] {
  const { cluster, recording, users } = scene;
  const unwell = cluster.pods.filter(({ isReady, isTerminating }) => !isReady && !isTerminating);
  return [
    ...lossLines(scene.strategy.name, recording.losses(users)),
    ...unwell.flatMap(({ name }) => [
      `${name} is not ready; the end of its sidecar's log:`,
      ...cluster.log(name, SIDECAR).slice(-LINES).map((line) => `  ${line}`),
    ]),
  ];
}

/** A line for each pod and moment. */
export function lossLines(strategy: string, losses: readonly Loss[]): string[] {
  const groups = Map.groupBy(
    losses,
    ({ at, pod }) => `${Math.floor(at / TOGETHER)} ${pod ?? "no pod"}`,
  );
  return [...groups.values()].map((group) => {
    const at = Math.min(...group.map((one) => one.at)).toFixed(0);
    const kinds = new Set(group.map(({ failure: { on, what } }) => `${on} ${what}`));
    return `  ${strategy}: at ${at} ms, ${group.length} to ${group[0]?.pod ?? "no pod"}: ` +
      [...kinds].join(", ");
  });
}
