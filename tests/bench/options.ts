/** The benchmark's command line. */
import { parseArgs } from "@std/cli/parse-args";
import type { RoundsOptions } from "./rounds.ts";

/** What a command line asks for. */
export interface BenchOptions extends RoundsOptions {
  /** Where the figures are written to as JSON, all samples included. */
  readonly json: string | undefined;
  /** Other checkouts of the sidecar to measure in the same run. */
  readonly beside: readonly string[];
  /** Compares with the recorded ratios, and leaves out what takes long. */
  readonly short: boolean;
  /** Writes the ratios down, for later short runs. */
  readonly record: boolean;
}

const USAGE = `Usage: deno task bench [--short] [--record] [--runs N] [--idle MS] [--json FILE]
  [--beside DIR]…

  --short       compare with the recorded ratios of memory only; fails where one is 25 % over
  --record      write the ratios of memory to tests/bench/recorded.json
  --runs N      how many times each program runs (default 30; 7 with --short)
  --idle MS     how long each program is idle before its signal (default 0: until it sleeps)
  --json FILE   write the figures, all samples included, to this file
  --beside DIR  measure the sidecar of another checkout too; may be repeated

Environment: PEER=PATH measures a binary with the original program's flags too;
SIDECAR=source|bundle|PATH says which form of the sidecar is measured (default bundle).`;

const NAMES = ["runs", "idle", "json", "beside"];
const SWITCHES = ["--short", "--record"];

/**
 * Reads the command line.
 * @returns Text to print where there is nothing to measure: the usage, asked for or not.
 */
export function readOptions(args: readonly string[]): BenchOptions | string {
  const given = parseArgs(args.filter((arg) => !SWITCHES.includes(arg)), {
    string: NAMES,
    collect: NAMES,
  });
  const texts = (name: string) => Array.isArray(given[name]) ? given[name].map(String) : [];
  const unknown = Object.keys(given).filter((name) => name !== "_" && !NAMES.includes(name));
  const [short, record] = [args.includes("--short"), args.includes("--record")];
  const runs = Number(texts("runs").at(-1) ?? (short ? 7 : 30));
  const idle = Number(texts("idle").at(-1) ?? 0);
  const isFine = unknown.length === 0 && texts("_").length === 0 &&
    NAMES.every((name) => !texts(name).includes("")) &&
    Number.isInteger(runs) && runs > 0 && Number.isInteger(idle) && idle >= 0;
  if (!isFine) return USAGE;
  return { runs, idle, json: texts("json").at(-1), beside: texts("beside"), short, record };
}
