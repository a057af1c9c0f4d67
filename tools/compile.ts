/**
 * `deno task compile`: the program as one file that needs nothing else, in `bin/`.
 *
 *   deno task compile [--target TRIPLE]... [--commit HASH] [--outdir FOLDER] [--code-cache]
 *
 * With `--code-cache`, the binary reads compiled code from a file in the folder of `TMPDIR`, or
 * writes it there: for images only, where that folder is read-only. Without `--target`, for the system that it runs on. Deno fetches its runtime for the target from
 * dl.deno.land; where that cannot be reached, DENORT_BIN names a runtime that is there.
 */
import { parseArgs } from "@std/cli/parse-args";
import { Buffer } from "node:buffer";
import { bundle, type SourceMaps } from "./bundle.ts";
import type { Package } from "./bundle/layout.ts";
import { outputOf, runProgram } from "./process.ts";
import { V8_FLAGS } from "./v8_flags.ts";

const ROOT = new URL("../", import.meta.url).pathname;

export const PROGRAM = "k8s-nlb-registrator-sidecar";

/** The systems that a release has binaries for. */
export const TARGETS = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
] as const;

/** What stands in `lib/version.ts` where the commit goes. */
const MARK = "@COMMIT@";

/** The options of `deno` that every compiled file has. */
const COMPILE: readonly string[] = [
  ...["compile", "--quiet", "--no-config", "--no-lock", "--no-check", "--no-prompt"],
  // Files under /dev and /proc take all permissions. Most are given back after the start:
  // lib/host/permissions.ts.
  "--allow-all",
];

/**
 * A cache of compiled code that others can write is code that others can write: in a shared /tmp it
 * is nothing for a process with credentials.
 */
const WITHOUT_CODE_CACHE: readonly string[] = ["--no-code-cache", V8_FLAGS];

/** Where the image has the cache: the Dockerfile says so too. Programs of hooks cannot use it. */
const CACHE_FOLDER = "/var/cache/k8s-nlb-registrator-sidecar";
const FORGET_TMPDIR =
  `if (Deno.env.get("TMPDIR") === "${CACHE_FOLDER}") Deno.env.delete("TMPDIR");\n`;

/** Functions are compiled when the cache is made, and not when they are first called. */
const WITH_CODE_CACHE: readonly string[] = [`${V8_FLAGS},--no-lazy`];

/** What to compile. */
export interface CompileOptions {
  /** Undefined: this system. */
  readonly targets: readonly (string | undefined)[];
  readonly commit: string;
  /** Where to put the binaries. */
  readonly outdir: string;
  /** @default {false} */
  readonly codeCache?: boolean;
}

/** What was made. */
export interface Compiled {
  /** The names of the binaries. */
  readonly names: readonly string[];
  /** The packages of which there is code in each of them. */
  readonly packages: readonly Package[];
  /** They make stack traces readable; a binary does not hold them. */
  readonly maps: SourceMaps;
}

/**
 * Compiles one bundle for each target. The same source, commit, Deno and runtime give the same bytes.
 * @throws {Error} It could not be bundled or compiled, or a binary does not hold the bundle.
 */
export async function compile(
  { targets, commit, outdir, codeCache = false }: CompileOptions,
): Promise<Compiled> {
  // Always the same folder: its path, or the last part of it, gets into the binary.
  const folder = `${ROOT}dist/compile/sidecar`;
  const { packages, maps } = await bundle(folder);
  if (codeCache) await importAtOnce(folder);
  await stamp(folder, commit);
  await Deno.mkdir(outdir, { recursive: true });
  const names: string[] = [];
  for (const target of targets) {
    const name = `${PROGRAM}${target === undefined ? "" : `-${target}`}`;
    await denoCompile([
      ...[...COMPILE, ...(codeCache ? WITH_CODE_CACHE : WITHOUT_CODE_CACHE)],
      // What is loaded on demand is not found by following imports.
      ...["--include", folder],
      ...(target !== undefined ? ["--target", target] : []),
      ...["--output", `${outdir}/${name}`, `${folder}/main.js`],
    ]);
    await expectFiles(`${outdir}/${name}`, folder);
    names.push(name);
  }
  await Deno.remove(`${ROOT}dist/compile`, { recursive: true });
  return { names, packages, maps };
}

/** `deno compile` failed; the message says what to do. */
class CompileError extends Error {
  override readonly name = "CompileError";
}

/** @throws {CompileError} */
async function denoCompile(args: readonly string[]): Promise<void> {
  try {
    await outputOf(Deno.execPath(), args, { env: { NO_COLOR: "1" } });
  } catch (error) {
    const [text = ""] = String(error).split("\n\nStack backtrace:");
    const remedy = text.includes("dl.deno.land")
      ? "\n\nDeno could not download the runtime that goes into the binary: set DENORT_BIN to the " +
        `path of a denort of version ${Deno.version.deno}, which is that of this Deno`
      : "";
    throw new CompileError(text.replace(/^.*? failed: (error: )?/s, "deno compile: ") + remedy);
  }
}

/** Ends a tool: with the message alone where that is enough. */
export function exitBy(error: unknown): never {
  if (!(error instanceof CompileError)) throw error;
  console.error(error.message);
  Deno.exit(1);
}

/** The cache holds what is imported before anything runs, and nothing that is loaded on the way. */
async function importAtOnce(folder: string): Promise<void> {
  await Deno.writeTextFile(`${folder}/tmpdir.js`, FORGET_TMPDIR);
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort()
    .filter((name) => /^(tmpdir|program|pod)\b.*\.js$/.test(name));
  const lines = names.map((name) => `import "./${name}";\n`).join("");
  await Deno.writeTextFile(`${folder}/main.js`, lines, { append: true });
}

async function stamp(folder: string, commit: string): Promise<void> {
  let stamped = 0;
  for await (const { name } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    const text = await Deno.readTextFile(path);
    if (text.includes(MARK)) {
      await Deno.writeTextFile(path, text.replaceAll(MARK, commit));
      stamped++;
    }
    // A binary holds the times of its files.
    await Deno.utime(path, 0, 0);
  }
  if (stamped !== 1) throw new Error(`${MARK} stands in ${stamped} files, and not in one`);
}

/** The packages of the bundle are those of the binary, if all of its files are in there as they are. */
async function expectFiles(binary: string, folder: string): Promise<void> {
  const whole = Buffer.from(await Deno.readFile(binary));
  for await (const { name } of Deno.readDir(folder)) {
    if (whole.includes(Buffer.from(await Deno.readFile(`${folder}/${name}`)))) continue;
    throw new Error(`${binary} does not have ${name} of the bundle in it`);
  }
}

/** The Deno to compile with: `SIDECAR_DENO`, where DENORT_BIN is for another than this one. */
export function compilingDeno(): string {
  return Deno.env.get("SIDECAR_DENO") || Deno.execPath();
}

/** The sidecar for this system, by {@link compilingDeno}. @returns Its path in the folder. */
export async function compileInto(folder: string, ...options: string[]): Promise<string> {
  const args = ["task", "-q", "compile", "--outdir", folder, ...options];
  await runProgram(compilingDeno(), args, { cwd: ROOT });
  return `${folder}/${PROGRAM}`;
}

/** Another program, by the same Deno and with the sidecar's options. */
export async function compileFile(file: string, output: string): Promise<void> {
  await runProgram(compilingDeno(), [...COMPILE, ...WITHOUT_CODE_CACHE, "--output", output, file], {
    cwd: ROOT,
  });
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

if (import.meta.main) {
  const { target } = parseArgs(Deno.args, { string: ["target"], collect: ["target"] });
  const given = Array.isArray(target) ? target.map(checkedTarget) : [];
  const targets = given.length > 0 ? given : [undefined];
  const outdir = oneOption("outdir", Deno.args) ?? `${ROOT}bin`;
  // An empty one is that of an image build that was given none.
  const commit = oneOption("commit", Deno.args) || await currentCommit();
  const codeCache = Deno.args.includes("--code-cache");
  const { names } = await compile({ targets, commit, outdir, codeCache }).catch(exitBy);
  for (const name of names) {
    const { size } = await Deno.stat(`${outdir}/${name}`);
    console.log(`${outdir}/${name}: ${Math.round(size / 1_000_000)} MB, commit ${commit}`);
  }
}
