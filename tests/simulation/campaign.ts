/** Many schedules on all cores: a worker on each, which plays a batch at a time. */
import { parentPort, Worker } from "node:worker_threads";
import { play } from "./schedule.ts";
import { Tape } from "./tape.ts";

/** What to play. */
export interface CampaignOptions {
  /** The first one's seed. */
  readonly from: number;
  readonly schedules: number;
  /** End with the first failure. */
  readonly stopAtFirst: boolean;
  readonly onProgress: (progress: Campaign) => void;
}

/** What was found so far. */
export interface Campaign {
  played: number;
  readonly failures: { readonly seed: number; readonly violation: string }[];
  /** Which incidents came in which phases, as `phase|incident`. */
  readonly pairs: Set<string>;
  /** How many schedules ended with an exit code, by its name. */
  readonly exits: Map<string, number>;
}

/** Which seeds a worker plays at a time. */
interface Batch {
  readonly from: number;
  readonly count: number;
}

const BATCH = 250;

function nothing(): Campaign {
  return { played: 0, failures: [], pairs: new Set(), exits: new Map() };
}

/** Plays schedules until they are done. */
export async function campaign(options: CampaignOptions): Promise<Campaign> {
  const { from, schedules, stopAtFirst, onProgress } = options;
  const all = nothing();
  let next = from;
  const take = (): Batch | undefined => {
    const count = Math.min(BATCH, from + schedules - next);
    if (count <= 0 || (stopAtFirst && all.failures.length > 0)) return undefined;
    next += count;
    return { from: next - count, count };
  };
  const onResult = ({ played, failures, pairs, exits }: Campaign) => {
    all.played += played;
    all.failures.push(...failures);
    for (const pair of pairs) all.pairs.add(pair);
    for (const [exit, count] of exits) add(all.exits, exit, count);
    onProgress(all);
  };
  const jobs = Array.from({ length: navigator.hardwareConcurrency }, () => work(take, onResult));
  await Promise.all(jobs);
  all.failures.sort((one, other) => one.seed - other.seed);
  return all;
}

function add(counts: Map<string, number>, key: string, count: number): void {
  counts.set(key, (counts.get(key) ?? 0) + count);
}

/** One worker's part. */
async function work(
  take: () => Batch | undefined,
  onResult: (result: Campaign) => void,
): Promise<void> {
  const worker = new Worker(new URL(import.meta.url));
  const done = Promise.withResolvers<void>();
  const give = () => {
    const batch = take();
    if (batch === undefined) done.resolve();
    else worker.postMessage(batch);
  };
  worker.on("error", (error: unknown) => done.reject(error));
  worker.on("message", (result: Campaign) => {
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

parentPort?.on("message", async ({ from, count }: Batch) => {
  const result = nothing();
  for (let seed = from; seed < from + count; seed++) {
    const { violations: [violation], pairs, exit } = await play(Tape.of(seed));
    if (violation !== undefined) result.failures.push({ seed, violation });
    for (const pair of pairs) result.pairs.add(pair);
    add(result.exits, exit, 1);
  }
  parentPort?.postMessage({ ...result, played: count });
});
