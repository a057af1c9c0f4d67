/** `deno task bench`: how quick the sidecar is, beside the least that its runtime allows. */
import { judge, SIGTERM_TO_DEREGISTER_BAR, type Verdict } from "./bar.ts";
import { SIGTERM_TO_DEREGISTER } from "./measures.ts";
import { type BenchOptions, readOptions } from "./options.ts";
import { programs } from "./programs.ts";
import { type Result, results, sidecarAndFloor } from "./results.ts";
import { rounds } from "./rounds.ts";
import { table } from "./table.ts";

/** Runs the benchmark; gives its exit code. */
async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (typeof options === "string") {
    console.error(options);
    return 2;
  }
  const { runs, idle, beside, json } = options;
  const all = programs({ peer: Deno.env.get("PEER"), beside });
  const names = all.map(({ name }) => name).join(", ");
  console.log(`${runs} runs of each, interleaved: ${names}`);
  console.log(`idle for ${idle} ms before the signal; times in milliseconds\n`);

  const figures = results(await rounds(all, options));
  console.log(table(figures) + "\n");
  const verdict = judge(
    "sigterm_to_deregister",
    sidecarAndFloor(figures, SIGTERM_TO_DEREGISTER),
    SIGTERM_TO_DEREGISTER_BAR,
  );
  if (json !== undefined) await Deno.writeTextFile(json, record(options, figures, verdict));
  console.log(verdict.line);
  return verdict.met ? 0 : 1;
}

/** What is worth keeping of a run: the figures, and what they may depend on. */
function record(
  { runs, idle }: BenchOptions,
  figures: readonly Result[],
  verdict: Verdict,
): string {
  const content = {
    at: new Date().toISOString(),
    deno: Deno.version.deno,
    cpus: navigator.hardwareConcurrency,
    load: Deno.loadavg(),
    runs,
    idle,
    results: figures,
    verdict,
  };
  return JSON.stringify(content, null, 2) + "\n";
}

Deno.exitCode = await main(Deno.args);
