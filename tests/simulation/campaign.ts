/** Many schedules on all cores. */
import { Worker } from "node:worker_threads";
import type { Batch, BatchResult } from "./worker.ts";

/** What to play. */
export interface CampaignOptions {
  readonly from: number;
  readonly schedules: number;
  readonly jobs: number;
  /** End with the first failure. */
  readonly stopAtFirst: boolean;
  readonly onProgress?: (progress: Campaign) => void;
}

/** What was found. Counts are of schedules. */
export interface Campaign {
  played: number;
  /** Milliseconds. */
  took: number;
  readonly failures: { readonly seed: number; readonly violation: string }[];
  readonly pairs: Map<string, number>;
  readonly exits: Map<string, number>;
}

const BATCH = 250;

/** Plays schedules until they are done. */
export async function campaign(options: CampaignOptions): Promise<Campaign> {
  const { from, schedules, jobs, stopAtFirst, onProgress } = options;
  const started = performance.now();
  const all: Campaign = {
    played: 0,
    took: 0,
    failures: [],
    pairs: new Map(),
    exits: new Map(),
  };
  let next = from;
  const take = (): Batch | undefined => {
    if (stopAtFirst && all.failures.length > 0) return undefined;
    const count = Math.min(BATCH, from + schedules - next);
    if (count <= 0) return undefined;
    next += count;
    return { from: next - count, count };
  };
  const onResult = (result: BatchResult) => {
    all.played += result.played;
    all.took = performance.now() - started;
    all.failures.push(...result.failures);
    for (const [pair, count] of result.pairs) add(all.pairs, pair, count);
    for (const [exit, count] of result.exits) add(all.exits, exit, count);
    onProgress?.(all);
  };
  await Promise.all(Array.from({ length: jobs }, () => work(take, onResult)));
  all.failures.sort((one, other) => one.seed - other.seed);
  return all;
}

function add(counts: Map<string, number>, key: string, count: number): void {
  counts.set(key, (counts.get(key) ?? 0) + count);
}

/** One worker's part. */
async function work(
  take: () => Batch | undefined,
  onResult: (result: BatchResult) => void,
): Promise<void> {
  const worker = new Worker(new URL("./worker.ts", import.meta.url));
  const done = Promise.withResolvers<void>();
  const give = () => {
    const batch = take();
    if (batch === undefined) done.resolve();
    else worker.postMessage(batch);
  };
  worker.on("error", (error: unknown) => done.reject(error));
  worker.on("message", (result: BatchResult) => {
    onResult(result);
    give();
  });
  give();
  try {
    await done.promise;
  } finally {
    await worker.terminate();
  }
}
