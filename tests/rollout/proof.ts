/** That rollouts by our manifests lose nothing. */
import { autopsy } from "./autopsy.ts";
import type { Condition } from "./conditions.ts";
import { type Outcome, rollOut } from "./outcome.ts";
import type { Command } from "./programs.ts";
import { Scene } from "./scene.ts";
import { strategyNamed } from "./strategies.ts";

/** How much is to be shown, for each of the two manifests. */
export interface ProofSize {
  readonly rollouts: number;
  readonly connections: number;
  readonly replicas?: number;
}

/** 20,000 connections and 20 rollouts in all. */
export const WHOLE: ProofSize = { rollouts: 10, connections: 10_000 };

/** What CI has the time for. */
export const SHORT: ProofSize = { rollouts: 1, connections: 500, replicas: 2 };

const MANIFESTS = ["sidecar", "native-sidecar"];

/** Rolls out by both manifests, side by side. */
export async function prove(
  sidecar: Command,
  condition: Condition,
  { replicas, ...plan }: ProofSize,
): Promise<Outcome[]> {
  const { faults, sends } = condition;
  return await Promise.all(MANIFESTS.map(async (name) => {
    await using scene = await Scene.start({
      ...{ strategy: strategyNamed(name), sidecar, sends },
      ...(faults && { faults }),
      ...(replicas !== undefined && { changes: { replicas } }),
    });
    try {
      return await rollOut(scene, {
        ...plan,
        tell: (count, failed) => console.log(`${name}: rollout ${count}, ${failed} failed so far`),
      });
    } catch (error) {
      for (const line of autopsy(scene)) console.log(line);
      throw error;
    }
  }));
}

/** The one line that says how it went. */
export function verdict(outcomes: readonly Outcome[]): string {
  const sum = (of: (outcome: Outcome) => number) =>
    outcomes.reduce((total, outcome) => total + of(outcome), 0);
  return `${sum(({ failed }) => failed)} of ${sum(({ begun }) => begun)} connections failed in ` +
    `${sum(({ rollouts }) => rollouts)} rollouts`;
}

/** Whether nothing was lost of as much as was to be tried. */
export function holds(outcomes: readonly Outcome[], { connections }: ProofSize): boolean {
  return outcomes.every(({ failed, begun, notTried }) =>
    failed === 0 && begun - notTried >= connections
  );
}
