/** `deno task simulate`: random schedules of the sidecar's life in virtual time. */
import { parseArgs } from "@std/cli/parse-args";
import { type Campaign, campaign } from "./campaign.ts";
import { coverage, coverageTable, REACHABLE_PAIRS } from "./reachable.ts";
import { play } from "./schedule.ts";
import { shrink } from "./shrink.ts";
import { Tape } from "./tape.ts";

const USAGE = `Usage: deno task simulate [--schedules N] [--from SEED] [--jobs N] [--stop-at-first]
       deno task simulate --seed SEED [--no-shrink]

  --schedules N    how many schedules to play (default 50000)
  --from SEED      the first one's seed (default 1); the others follow
  --jobs N         how many at a time (default: one for each core)
  --stop-at-first  end with the first failure
  --seed SEED      play one schedule, and print what happens in it; cut down first, if it fails
  --no-shrink      print it as it is

Exit code 1: a promise was broken, or a reachable pair of phase and incident was never hit.`;

const NUMBERS = ["schedules", "from", "jobs", "seed"];
const FLAGS = ["stop-at-first", "no-shrink", "help"];

async function main(args: readonly string[]): Promise<number> {
  const has = (flag: string) => args.includes(`--${flag}`);
  const rest = args.filter((one) => !FLAGS.some((flag) => one === `--${flag}`));
  const given = parseArgs(rest, { string: NUMBERS, collect: [] });
  const unknown = Object.keys(given).filter((name) => !["_", ...NUMBERS].includes(name));
  const number = (name: string, fallback: number) =>
    given[name] === undefined ? fallback : Number(given[name]);
  const schedules = number("schedules", 50_000);
  const from = number("from", 1);
  const jobs = number("jobs", navigator.hardwareConcurrency);
  const seed = number("seed", 0);
  const numbers = [schedules, from, jobs, seed];
  if (has("help") || unknown.length > 0 || numbers.some((one) => !Number.isInteger(one))) {
    console.error(USAGE);
    return has("help") ? 0 : 2;
  }
  if (given["seed"] !== undefined) return await one(seed, !has("no-shrink"));
  const result = await campaign({
    ...{ schedules, from, jobs },
    stopAtFirst: has("stop-at-first"),
    onProgress: progress(schedules),
  });
  return await report(result, !has("no-shrink"));
}

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

/** A line that is written over and over on a terminal, and now and then elsewhere. */
function progress(schedules: number): (all: Campaign) => void {
  let last = -Infinity;
  let told = 0;
  const every = Deno.stderr.isTerminal() ? 500 : 15_000;
  return ({ played, took, failures, pairs }) => {
    const isLast = played === schedules;
    for (const { seed, violation } of failures.slice(told)) {
      console.error(`\nseed ${seed}: ${violation}`);
    }
    told = failures.length;
    if (took - last < every && !isLast) return;
    last = took;
    const line = `${played}/${schedules} schedules, ${rate(played, took)}/s, ` +
      `${hits(pairs)}/${REACHABLE_PAIRS.size} pairs, ${failures.length} failures`;
    const text = Deno.stderr.isTerminal() ? `\r${line}${isLast ? "\n" : ""}` : `${line}\n`;
    Deno.stderr.writeSync(new TextEncoder().encode(text));
  };
}

function rate(played: number, took: number): string {
  return (played * 1_000 / took).toFixed(0);
}

function hits(pairs: ReadonlyMap<string, number>): number {
  return [...pairs.keys()].filter((pair) => REACHABLE_PAIRS.has(pair)).length;
}

async function report(all: Campaign, shrinkIt: boolean): Promise<number> {
  const { missed, unexpected } = coverage(all.pairs);
  console.log(coverageTable(all.pairs));
  console.log(`exits: ${[...all.exits].map(([exit, count]) => `${exit} ${count}`).join(", ")}`);
  console.log(
    `${all.played} schedules in ${(all.took / 1_000).toFixed(1)} s ` +
      `(${rate(all.played, all.took)}/s), ${
        hits(all.pairs)
      } of ${REACHABLE_PAIRS.size} reachable ` +
      `pairs of phase and incident, ${all.failures.length} failures`,
  );
  if (unexpected.length > 0) console.log(`pairs that should not be: ${unexpected.join(", ")}`);
  for (const { seed, violation } of all.failures.slice(0, 10)) {
    console.log(`seed ${seed}: ${violation}; again: deno task simulate --seed ${seed}`);
  }
  const [first] = all.failures;
  if (first !== undefined) {
    await one(first.seed, shrinkIt);
    return 1;
  }
  return missed.length + unexpected.length > 0 ? 1 : 0;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
