/** `deno task run tests/simulation/mutants/main.ts`: whether the simulation catches deliberate faults. */
import { type Mutant, MUTANTS, type Place } from "./mutants.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;
const COPIED = ["lib", "tests/simulation", "tools/std", "deno.json", "deno.lock"];
/** Each is to be caught within so many schedules. */
const SCHEDULES = 100_000;

/** Milliseconds after which one counts as hanging: some faults go round without time passing. */
const PATIENCE = 15 * 60_000;

/** What became of one. */
interface Fate {
  readonly name: string;
  readonly file: string;
  /** Undefined: it survived. */
  readonly caught?: { readonly seed: number; readonly violation: string };
}

async function main(only: string | undefined): Promise<number> {
  const copy = await Deno.makeTempDir({ prefix: "mutants-" });
  try {
    for (const path of COPIED) await copyAll(ROOT + path, `${copy}/${path}`);
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

/** @throws {Error} Its text is not in the code, or not once: the mutant is out of date. */
async function fateOf({ name, places }: Mutant, copy: string): Promise<Fate> {
  const found = await placeOf(places, copy);
  if (found === undefined) throw new Error(`mutant out of date, its text is not found: ${name}`);
  const { file, original, changed } = found;
  await Deno.writeTextFile(`${copy}/${file}`, changed);
  try {
    const caught = await simulate(copy);
    return { name, file, ...(caught !== undefined && { caught }) };
  } finally {
    await Deno.writeTextFile(`${copy}/${file}`, original);
  }
}

async function placeOf(
  places: readonly Place[],
  copy: string,
): Promise<{ file: string; original: string; changed: string } | undefined> {
  for (const { file, find, put } of places) {
    const original = await Deno.readTextFile(`${copy}/${file}`).catch(() => "");
    const [before, after, ...more] = original.split(find);
    if (before === undefined || after === undefined || more.length > 0) continue;
    return { file, original, changed: before + put + after };
  }
  return undefined;
}

/** The first failure, if there is one. */
async function simulate(copy: string): Promise<{ seed: number; violation: string } | undefined> {
  const { stdout, stderr, signal } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-prompt", "-A", "--no-check", "--import-map=tools/std/import_map.json"],
      ...["tests/simulation/main.ts", "--stop-at-first", "--no-shrink"],
      ...["--schedules", String(SCHEDULES)],
    ],
    cwd: copy,
    signal: AbortSignal.timeout(PATIENCE),
  }).output();
  if (signal !== null) return { seed: 0, violation: "it hangs" };
  const text = new TextDecoder().decode(stdout);
  const [, seed, violation] = /^seed (\d+): (.*); again: /m.exec(text) ?? [];
  if (seed !== undefined && violation !== undefined) return { seed: Number(seed), violation };
  if (text.includes(" 0 failures")) return undefined;
  throw new Error(`the simulation itself failed:\n${new TextDecoder().decode(stderr)}`);
}

function line({ name, caught }: Fate): string {
  const mark = caught === undefined ? "SURVIVED" : `seed ${caught.seed}`;
  return `${mark.padEnd(12)} ${name.padEnd(72)} ${caught?.violation ?? ""}`.trimEnd();
}

if (import.meta.main) Deno.exit(await main(Deno.args[0]));
