/** Plays schedules beside others, a batch at a time. */
import { parentPort } from "node:worker_threads";
import { play } from "./schedule.ts";
import { Tape } from "./tape.ts";

/** Which seeds to play. */
export interface Batch {
  readonly from: number;
  readonly count: number;
}

/** How a batch went. */
export interface BatchResult {
  readonly played: number;
  readonly failures: readonly { readonly seed: number; readonly violation: string }[];
  readonly pairs: readonly (readonly [string, number])[];
  readonly exits: readonly (readonly [string, number])[];
}

parentPort?.on("message", async ({ from, count }: Batch) => {
  const failures: { seed: number; violation: string }[] = [];
  const pairs = new Map<string, number>();
  const exits = new Map<string, number>();
  for (let seed = from; seed < from + count; seed++) {
    const verdict = await play(Tape.of(seed));
    const [violation] = verdict.violations;
    if (violation !== undefined) failures.push({ seed, violation });
    for (const pair of verdict.pairs) pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
    exits.set(verdict.exit, (exits.get(verdict.exit) ?? 0) + 1);
  }
  const result: BatchResult = {
    played: count,
    failures,
    pairs: [...pairs],
    exits: [...exits],
  };
  parentPort?.postMessage(result);
});
