/** `deno task bench`: how small and quick the sidecar is, beside the least that its runtime allows. */
import type { Verdict } from "./bar.ts";
import { measureHelp } from "./brief.ts";
import { connectionResults } from "./connections.ts";
import { listenVerdicts } from "./listen.ts";
import { judgeManyGroups } from "./many_groups.ts";
import { type BenchOptions, readOptions } from "./options.ts";
import { programs } from "./programs.ts";
import { compare, type Ratios, ratiosOf } from "./recorded.ts";
import { type Result, resultsOf, verdictsOf } from "./results.ts";
import { rounds } from "./rounds.ts";
import { bundleSize } from "./size.ts";
import { table } from "./table.ts";

const RECORDED = new URL("recorded.json", import.meta.url);

/** Runs the benchmark; gives its exit code. */
async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (typeof options === "string") {
    console.error(options);
    return 2;
  }
  const { runs, idle, beside, json, short, record } = options;
  const all = programs({ peer: Deno.env.get("PEER"), beside });
  console.log(`${runs} runs of each, interleaved: ${all.map(({ name }) => name).join(", ")}`);
  console.log(`idle for ${idle} ms before the signal\n`);

  const results = [
    ...resultsOf(await rounds(all, { runs, idle })),
    await measureHelp(runs),
    ...(short ? [] : await connectionResults()),
  ];
  console.log(table(results) + "\n");
  const verdicts = short ? await shortVerdicts(results) : await allVerdicts(results);
  for (const { line } of verdicts) console.log(line);
  console.log(`size of the bundle: ${await bundleSize()}`);
  if (json !== undefined) await Deno.writeTextFile(json, content(options, results, verdicts));
  if (record) await Deno.writeTextFile(RECORDED, asJson(ratiosOf(results)));
  const missed = verdicts.filter(({ met }) => !met).length;
  console.log(missed === 0 ? "all bars are met" : `${missed} bars are NOT met`);
  return missed === 0 ? 0 : 1;
}

async function allVerdicts(results: readonly Result[]): Promise<Verdict[]> {
  return [...verdictsOf(results), ...await judgeManyGroups(), ...await listenVerdicts()];
}

/** Ratios hold on any machine; what is good enough is for the long run to say. */
async function shortVerdicts(results: readonly Result[]): Promise<Verdict[]> {
  const recorded: Ratios = JSON.parse(await Deno.readTextFile(RECORDED));
  return compare(ratiosOf(results), recorded);
}

/** What is worth keeping of a run: the figures, and what they may depend on. */
function content(
  { runs, idle }: BenchOptions,
  results: readonly Result[],
  verdicts: readonly Verdict[],
): string {
  return asJson({
    at: new Date().toISOString(),
    deno: Deno.version.deno,
    cpus: navigator.hardwareConcurrency,
    load: Deno.loadavg(),
    runs,
    idle,
    results,
    verdicts,
  });
}

function asJson(value: unknown): string {
  return JSON.stringify(value, null, 2) + "\n";
}

Deno.exitCode = await main(Deno.args);
