/**
 * `deno task compile`: the program as one file that needs nothing else, in `bin/`.
 *
 *   deno task compile [--target TRIPLE]... [--commit HASH] [--outdir FOLDER]
 *
 * Without `--target`, for the system that it runs on. Deno fetches its runtime for the target from
 * dl.deno.land; where that cannot be reached, DENORT_BIN names a runtime that is there.
 */
import { parseArgs } from "@std/cli/parse-args";
import { bundleInto } from "./bundled.ts";
import { outputOf, runProgram } from "./process.ts";
import { V8_FLAGS } from "./v8_flags.ts";

const ROOT = new URL("../", import.meta.url).pathname;

export const PROGRAM = "k8s-nlb-registrator-sidecar";

/** The systems that Deno compiles for and that somebody runs the sidecar on. */
export const TARGETS = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
] as const;

/** The options of `deno` that every compiled file has. */
const COMPILE: readonly string[] = [
  ...["compile", "--quiet", "--no-config", "--no-lock", "--no-check", "--no-prompt"],
  // Files under /dev and /proc take all permissions. Most are given back after the start:
  // lib/host/permissions.ts.
  "--allow-all",
  // A cache of compiled code in a shared /tmp is nothing for a process with credentials.
  "--no-code-cache",
  V8_FLAGS,
];

/** What to compile. */
export interface CompileOptions {
  /** Where to put the binary. */
  readonly output: string;
  /** Undefined: this system. */
  readonly target?: string;
  readonly commit: string;
}

/**
 * Compiles one binary. The same source, commit, Deno and runtime give the same bytes.
 * @throws {Error} It could not be bundled or compiled.
 */
export async function compile({ output, target, commit }: CompileOptions): Promise<void> {
  // Always the same folder: its path, or the last part of it, gets into the binary.
  const work = `${ROOT}dist/compile`;
  await Deno.remove(work, { recursive: true }).catch(() => {});
  const entry = await bundleInto(`${work}/sidecar`, commit);
  await runProgram(Deno.execPath(), [
    ...COMPILE,
    // What is loaded on demand is not found by following imports.
    ...["--include", `${work}/sidecar`],
    ...(target !== undefined ? ["--target", target] : []),
    ...["--output", output, entry],
  ]);
  await Deno.remove(work, { recursive: true });
}

/** The Deno to compile with: `SIDECAR_DENO`, where DENORT_BIN is for another than this one. */
export function compilingDeno(): string {
  return Deno.env.get("SIDECAR_DENO") || Deno.execPath();
}

/** The sidecar for this system, by {@link compilingDeno}. @returns Its path in the folder. */
export async function compileInto(folder: string): Promise<string> {
  const args = ["task", "-q", "compile", "--outdir", folder];
  await runProgram(compilingDeno(), args, { cwd: ROOT });
  return `${folder}/${PROGRAM}`;
}

/** Another program, by the same Deno and with the sidecar's options. */
export async function compileFile(file: string, output: string): Promise<void> {
  await runProgram(compilingDeno(), [...COMPILE, "--output", output, file], { cwd: ROOT });
}

/** The commit that is checked out, 12 digits; "unknown" outside a checkout. */
export async function currentCommit(): Promise<string> {
  try {
    return await outputOf("git", ["rev-parse", "--short=12", "HEAD"], { cwd: ROOT });
  } catch {
    return "unknown";
  }
}

/** @throws {Error} There is no such target. */
export function checkedTarget(target: string): string {
  if (TARGETS.some((known) => known === target)) return target;
  throw new Error(`--target is "${target}": it has to be one of ${TARGETS.join(", ")}`);
}

/** Of an option that may be given once. */
export function oneOption(name: string, args: readonly string[]): string | undefined {
  const { [name]: values } = parseArgs([...args], { string: [name], collect: [name] });
  return Array.isArray(values) ? values.at(-1) : undefined;
}

async function main(): Promise<void> {
  const { target } = parseArgs(Deno.args, { string: ["target"], collect: ["target"] });
  const targets = Array.isArray(target) ? target.map(checkedTarget) : [];
  const outdir = oneOption("outdir", Deno.args) ?? `${ROOT}bin`;
  // An empty one is that of an image build that was told of none.
  const commit = oneOption("commit", Deno.args) || await currentCommit();
  await Deno.mkdir(outdir, { recursive: true });
  for (const one of targets.length > 0 ? targets : [undefined]) {
    const output = `${outdir}/${PROGRAM}${one === undefined ? "" : `-${one}`}`;
    await compile({ output, commit, ...(one !== undefined && { target: one }) });
    const { size } = await Deno.stat(output);
    console.log(`${output}: ${Math.round(size / 1_000_000)} MB, commit ${commit}`);
  }
}

if (import.meta.main) await main();
