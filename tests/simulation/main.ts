/** `deno task simulate`: random schedules of the sidecar's life in virtual time. */
import { parseArgs } from "@std/cli/parse-args";
import { type Campaign, campaign } from "./campaign.ts";
import { coverage } from "./reachable.ts";
import { play } from "./schedule.ts";
import { shrink } from "./shrink.ts";
import { Tape } from "./tape.ts";

const USAGE = `Usage: deno task simulate [--schedules N] [--from SEED] [--stop-at-first]
       deno task simulate --seed SEED [--no-shrink]

  --schedules N    how many schedules to play (default 50000)
  --from SEED      the first one's seed (default 1); the others follow
  --stop-at-first  end with the first failure
  --seed SEED      play one schedule, and print what happens in it; cut down first, if it fails
  --no-shrink      print it as it is

Exit code 1: a promise was broken, or a reachable pair of phase and incident was never hit.`;

const NUMBERS = ["schedules", "from", "seed"];
const FLAGS = ["stop-at-first", "no-shrink", "help"];

async function main(args: readonly string[]): Promise<number> {
  const has = (flag: string) => args.includes(`--${flag}`);
  const rest = args.filter((one) => !FLAGS.some((flag) => one === `--${flag}`));
  const given = parseArgs(rest, { string: NUMBERS, collect: [] });
  const unknown = Object.keys(given).filter((name) => !["_", ...NUMBERS].includes(name));
  const schedules = Number(given["schedules"] ?? 50_000);
  const from = Number(given["from"] ?? 1);
  const seed = Number(given["seed"] ?? 0);
  const numbers = [schedules, from, seed];
  if (has("help") || unknown.length > 0 || numbers.some((one) => !Number.isInteger(one))) {
    console.error(USAGE);
    return has("help") ? 0 : 2;
  }
  const shrinkIt = !has("no-shrink");
  if (given["seed"] !== undefined) return await one(seed, shrinkIt);
  const started = performance.now();
  let last = started;
  const onProgress = ({ played, pairs, failures }: Campaign) => {
    if (performance.now() - last < PROGRESS_EVERY) return;
    last = performance.now();
    const { reached } = coverage(pairs);
    console.error(`${played}/${schedules} schedules, ${reached}, ${failures.length} failures`);
  };
  const result = await campaign({ schedules, from, stopAtFirst: has("stop-at-first"), onProgress });
  return await report(result, { seconds: (performance.now() - started) / 1_000, shrinkIt });
}

/** Milliseconds. */
const PROGRESS_EVERY = 15_000;

/** One schedule, told to the end. */
async function one(seed: number, shrinkIt: boolean): Promise<number> {
  const verdict = await play(Tape.of(seed), true);
  const isBad = verdict.violations.length > 0;
  const told = isBad && shrinkIt ? await shrink(verdict) : verdict;
  console.log(`seed ${seed}${told === verdict ? "" : ", cut down"}: ${told.args.join(" ")}`);
  console.log(told.lines.join("\n"));
  console.log(isBad ? `violated: ${verdict.violations.join("; ")}` : "all promises are kept");
  return isBad ? 1 : 0;
}

async function report(
  { played, failures, pairs, exits }: Campaign,
  { seconds, shrinkIt }: { readonly seconds: number; readonly shrinkIt: boolean },
): Promise<number> {
  const { reached, missed, unexpected } = coverage(pairs);
  console.log(`exits: ${[...exits].map(([exit, count]) => `${exit} ${count}`).join(", ")}`);
  console.log(
    `${played} schedules in ${seconds.toFixed(1)} s (${(played / seconds).toFixed(0)}/s), ` +
      `${reached} of phase and incident, ${failures.length} failures`,
  );
  if (missed.length > 0) console.log(`pairs that were not hit: ${missed.join(", ")}`);
  if (unexpected.length > 0) console.log(`pairs that should not be: ${unexpected.join(", ")}`);
  for (const { seed, violation } of failures.slice(0, 10)) {
    console.log(`seed ${seed}: ${violation}; again: deno task simulate --seed ${seed}`);
  }
  const [first] = failures;
  if (first !== undefined) return await one(first.seed, shrinkIt);
  return missed.length + unexpected.length > 0 ? 1 : 0;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
