/** `deno task bench`: how small and quick the sidecar is, beside the least that its runtime allows. */
import { parseArgs } from "@std/cli/parse-args";
import { bundle, DIST } from "../../tools/bundle.ts";
import type { Memory } from "../process/proc.ts";
import * as extras from "./extras.ts";
import { rounds } from "./run.ts";
import { type Form, measures, rowsOf } from "./measures.ts";
import { commandOf, EMPTY, Programs } from "./programs.ts";
import { recordOf, withRecordedBars } from "./recorded.ts";
import { isMet, type Row, table } from "./report.ts";

const RECORDED = new URL("recorded.json", import.meta.url);

const USAGE = `Usage: deno task bench [--short] [--record] [--compiled] [--vs PATH] [--runs N]
  [--idle MS] [--json FILE]

  --short      compare with the recorded ratios of memory only; fails where one is 25 % over
  --record     write the ratios of memory to tests/bench/recorded.json
  --compiled   measure the compiled program, beside compiled ones
  --vs PATH    measure another sidecar in the same rounds, and say where this one is worse: a
               checkout with its bundle in dist/ (made there by "deno task bundle"), or a binary
  --runs N     how many times each program runs (default 30; 7 with --short)
  --idle MS    how long each program is idle before its signal (default 0: until it sleeps)
  --json FILE  write the figures, all samples included, to this file

Environment: PEER=PATH measures a binary with the original program's flags too.`;

/** What a command line means. */
interface Options {
  readonly runs: number;
  readonly idle: number;
  readonly json: string | undefined;
  readonly vs: string | undefined;
  readonly switches: ReadonlySet<string>;
}

const SWITCHES = ["--short", "--record", "--compiled"];
const NAMES = ["runs", "idle", "json", "vs"];

/** Undefined: the command line is none. */
function readOptions(args: readonly string[]): Options | undefined {
  const switches = new Set(args.filter((arg) => SWITCHES.includes(arg)));
  const others = args.filter((arg) => !switches.has(arg));
  const { _: rest, ...given } = parseArgs(others, { string: NAMES, collect: [] });
  const text = (name: string) => given[name] === undefined ? undefined : String(given[name]);
  const runs = Number(text("runs") ?? (switches.has("--short") ? 7 : 30));
  const idle = Number(text("idle") ?? 0);
  const isFine = Array.isArray(rest) && rest.length === 0 &&
    Object.entries(given).every(([name, value]) => NAMES.includes(name) && value !== "") &&
    Number.isInteger(runs) && runs > 0 && Number.isInteger(idle) && idle >= 0;
  return isFine ? { runs, idle, json: text("json"), vs: text("vs"), switches } : undefined;
}

/** Runs the benchmark; gives its exit code. */
async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (options === undefined) {
    console.error(USAGE);
    return 2;
  }
  await bundle(DIST);
  const folder = await Deno.makeTempDir({ prefix: "bench-" });
  try {
    const before = options.vs === undefined ? undefined : await commandOf(options.vs);
    const form: Form = options.switches.has("--compiled") ? "compiled" : "bundle";
    const programs = form === "compiled"
      ? await Programs.compiled(folder, before)
      : Programs.bundled(folder, before);
    const rows: Row[] = [];
    for await (const some of measure(programs, form, options)) {
      console.log(table(some) + "\n");
      rows.push(...some);
    }
    return await report(options, rows);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Measures one thing after the other; each takes minutes. */
async function* measure(
  programs: Programs,
  form: Form,
  { runs, idle, switches }: Options,
): AsyncGenerator<Row[]> {
  const all = programs.all(Deno.env.get("PEER"));
  console.log(`${runs} runs of each, interleaved: ${all.map(({ name }) => name).join(", ")}`);
  const measured = await rounds(all, { runs, idle });
  const rows = rowsOf(measured, measures(form));
  if (switches.has("--short")) {
    yield withRecordedBars(rows, JSON.parse(await Deno.readTextFile(RECORDED)));
    return;
  }
  yield rows;
  yield await extras.helpRows(programs, runs);
  yield await extras.connectionRows(programs, form);
  yield await extras.manyGroupsRows(programs);
  const floor = measured.find(({ program }) => program.name === EMPTY)?.runs.at(-1)?.memory;
  yield await extras.probeRows(programs, floor ?? NOTHING);
  yield await extras.nodeRows(programs);
  yield extras.sizeRows();
}

const NOTHING: Memory = { resident: NaN, anonymous: NaN, proportional: NaN, peak: NaN };

async function report({ json, switches }: Options, rows: readonly Row[]): Promise<number> {
  if (json !== undefined) {
    const machine = { cpus: navigator.hardwareConcurrency, load: Deno.loadavg() };
    await Deno.writeTextFile(json, asJson({ deno: Deno.version.deno, ...machine, rows }));
  }
  if (switches.has("--record")) {
    await Deno.writeTextFile(RECORDED, asJson(recordOf(rows)));
  }
  const missed = rows.filter((row) => isMet(row) === false).length;
  console.log(missed === 0 ? "all bars are met" : `${missed} bars are NOT met`);
  return missed === 0 ? 0 : 1;
}

function asJson(value: unknown): string {
  return JSON.stringify(value, null, 2) + "\n";
}

Deno.exitCode = await main(Deno.args);
