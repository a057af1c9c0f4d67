/** `deno task run tests/simulation/mutants/main.ts`: whether the simulation catches deliberate changes. */
import { type Mutant, MUTANTS } from "./mutants.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;
const COPIED = ["main.ts", "lib", "tests", "tools", "docs", "deno.json", "deno.lock"];
/** Each is to be caught within so many schedules. */
const SCHEDULES = 100_000;

/** Milliseconds after which one counts as hanging: some go round without time passing. */
const PATIENCE = 15 * 60_000;

/** What became of one. */
interface Fate {
  readonly name: string;
  /** Undefined: it survived. */
  readonly caught?: { readonly by: string; readonly violation: string };
}

async function main(only: string | undefined): Promise<number> {
  const copy = await Deno.makeTempDir({ prefix: "mutants-" });
  try {
    for (const path of COPIED) await copyAll(ROOT + path, `${copy}/${path}`);
    for (const mutant of MUTANTS) changed(await Deno.readTextFile(fileOf(mutant, copy)), mutant);
    const fates: Fate[] = [];
    for (const mutant of MUTANTS.filter(({ name }) => only === undefined || name.includes(only))) {
      const fate = await fateOf(mutant, copy);
      fates.push(fate);
      console.log(line(fate));
    }
    const survivors = fates.filter(({ caught }) => caught === undefined);
    console.log(`${fates.length} mutants, ${fates.length - survivors.length} caught`);
    return survivors.length === 0 && fates.length > 0 ? 0 : 1;
  } finally {
    await Deno.remove(copy, { recursive: true });
  }
}

async function copyAll(from: string, to: string): Promise<void> {
  const { isDirectory } = await Deno.stat(from);
  if (!isDirectory) {
    await Deno.mkdir(to.slice(0, to.lastIndexOf("/")), { recursive: true });
    return await Deno.copyFile(from, to);
  }
  await Deno.mkdir(to, { recursive: true });
  for await (const { name } of Deno.readDir(from)) {
    await copyAll(`${from}/${name}`, `${to}/${name}`);
  }
}

async function fateOf(mutant: Mutant, copy: string): Promise<Fate> {
  const { name, tests } = mutant;
  const file = fileOf(mutant, copy);
  const original = await Deno.readTextFile(file);
  await Deno.writeTextFile(file, changed(original, mutant));
  try {
    const caught = await (tests === undefined ? simulate(copy) : test(copy, tests));
    return { name, ...(caught !== undefined && { caught }) };
  } finally {
    await Deno.writeTextFile(file, original);
  }
}

function fileOf({ at }: Mutant, copy: string): string {
  return `${copy}/lib/${at.split("#", 1)[0]}`;
}

/** @throws {Error} The function, or what is to be found in it, is not there once. */
export function changed(source: string, { name, at, find, put }: Mutant): string {
  const { from, to } = bodyOf(source, at.slice(at.indexOf("#") + 1));
  const words = find.trim().split(/\s+/).map((word) =>
    word.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")
  );
  const [before, after, ...more] = source.slice(from, to).split(new RegExp(words.join("\\s+")));
  if (before === undefined || after === undefined || more.length > 0) {
    throw new Error(`mutant out of date, ${at} does not have its text once: ${name}`);
  }
  return source.slice(0, from) + before + put + after + source.slice(to);
}

/** From a function's name to the brace that ends it. */
function bodyOf(source: string, name: string): { from: number; to: number } {
  const declared = new RegExp(`(?:function|^  (?:async |get )*)\\s*${name}(?:<[^>]*>)?\\(`, "m");
  const { index: from } = declared.exec(source) ?? {};
  if (from === undefined) throw new Error(`there is no function ${name}`);
  // A body's brace ends at the indentation at which its function begins.
  const indent = /^ */.exec(source.slice(from).replace(/^\n/, ""))?.[0] ?? "";
  const end = source.indexOf(`\n${indent}}\n`, source.indexOf("{\n", source.indexOf(")", from)));
  return { from, to: end };
}

/** The first test that fails. */
async function test(copy: string, files: readonly string[]): Promise<Fate["caught"]> {
  const { success, stdout } = await run(copy, ["test", "-q", "--parallel"], files);
  if (success) return undefined;
  const failed = /^(.*) \.\.\. .*FAILED/m.exec(new TextDecoder().decode(stdout))?.[1];
  return { by: "a test", violation: failed ?? "the tests fail" };
}

function run(copy: string, verb: readonly string[], args: readonly string[]) {
  return new Deno.Command(Deno.execPath(), {
    args: [
      ...[...verb, "--no-prompt", "-A", "--no-check", "--import-map=tools/std/import_map.json"],
      ...args,
    ],
    cwd: copy,
    env: { NO_COLOR: "1" },
    signal: AbortSignal.timeout(PATIENCE),
  }).output();
}

/** The first failure, if there is one. */
async function simulate(copy: string): Promise<Fate["caught"]> {
  const { stdout, stderr, signal } = await run(copy, ["run"], [
    ...["tests/simulation/main.ts", "--stop-at-first", "--no-shrink"],
    ...["--schedules", String(SCHEDULES)],
  ]);
  if (signal !== null) return { by: "time", violation: "it hangs" };
  const text = new TextDecoder().decode(stdout);
  const [, seed, violation] = /^seed (\d+): (.*); again: /m.exec(text) ?? [];
  if (violation !== undefined) return { by: `seed ${seed}`, violation };
  if (text.includes(" 0 failures")) return undefined;
  throw new Error(`the simulation itself failed:\n${new TextDecoder().decode(stderr)}`);
}

function line({ name, caught }: Fate): string {
  const mark = caught === undefined ? "SURVIVED" : caught.by;
  return `${mark.padEnd(12)} ${name.padEnd(72)} ${caught?.violation ?? ""}`.trimEnd();
}

if (import.meta.main) Deno.exit(await main(Deno.args[0]));
