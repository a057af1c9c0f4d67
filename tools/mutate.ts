/**
 * `deno task run tools/mutate.ts`: makes deliberate changes in `lib/`, one at a time, and says which
 * of them no test notices. Each runs the tests that reach its line, in a copy of the tree.
 *
 *   --files A,B      only files whose path begins so
 *   --changed REF    only files that differ from a commit
 *   --sample N       so many changes, always the same ones; by default all
 *   --workers N      so many side by side; by default as many as there are processors
 *   --minutes N      begins no other change after that time
 *   --most PERCENT   fails if more than that survive
 */
import { parseArgs } from "node:util";
import { program, read } from "../tests/unit/modules.ts";
import { ROOT } from "./deno.ts";
import { type Change, changesOf } from "./mutate/changes.ts";
import { EQUIVALENT, isEquivalent } from "./mutate/equivalent.ts";
import { type Reach, reachOf, testFiles } from "./mutate/reach.ts";
import { Sandbox } from "./mutate/sandbox.ts";
import { outputOf } from "./process.ts";

/** What became of a change; a survivor changes something, and no test notices. */
type Fate = "noticed" | "survived" | "equivalent";

/** Tests of one change together take no longer, in milliseconds; those of a process come last. */
const MOST = 120_000;
/** Tests that take so long together run before the next are begun, in milliseconds. */
const STAGE = 5_000;

interface Options {
  readonly files: readonly string[];
  readonly sample: number;
  readonly workers: number;
  /** In milliseconds since the start of this process. */
  readonly end: number;
  readonly most: number;
}

async function optionsFrom(args: readonly string[]): Promise<Options> {
  const text = { type: "string" } as const;
  const options = {
    ...{ files: text, changed: text, sample: text, workers: text, minutes: text, most: text },
  };
  const { files = "", changed, ...given } = parseArgs({ args: [...args], options }).values;
  const number = (text: string | undefined, otherwise: number) => Number(text ?? otherwise);
  const differing = changed === undefined
    ? program
    : (await outputOf("git", ["diff", "--name-only", changed], { cwd: ROOT })).split("\n");
  return {
    files: program.filter((path) => differing.includes(path))
      .filter((path) => files.split(",").some((prefix) => path.startsWith(prefix))),
    sample: number(given.sample, Infinity),
    workers: number(given.workers, navigator.hardwareConcurrency),
    end: number(given.minutes, Infinity) * 60_000,
    most: number(given.most, 100),
  };
}

/** The same ones each time: in the order of a number made from their names. */
function sampleOf(changes: readonly Change[], size: number): Change[] {
  const hash = ({ key }: Change) =>
    [...key].reduce((sum, letter) => Math.imul(sum ^ (letter.codePointAt(0) ?? 0), 16777619), 7);
  return changes.map((change) => ({ change, rank: hash(change) >>> 0 }))
    .sort((one, other) => one.rank - other.rank).slice(0, size).map(({ change }) => change);
}

/** Whose tests are another module's. */
const OWN_TESTS: Readonly<Record<string, string>> = { registration: "lifecycle" };

/** How often a file of tests was the one that noticed. */
const noticedBy = new Map<string, number>();

/**
 * What runs for a change, stage by stage: first, of the tests of its own module, those that noticed
 * most so far, then the quickest. A real process runs only for what stands above the modules.
 */
function stagesFor({ path, line }: Change, reaches: readonly Reach[]): Reach[][] {
  const [, module = ""] = /^lib\/(.*)\//.exec(path) ?? [];
  const own = module === "" ? "tests/e2e/" : `tests/unit/${OWN_TESTS[module] ?? module}/`;
  const cost = ({ test, took }: Reach) =>
    took / (1 + (noticedBy.get(test) ?? 0)) + (test.startsWith(own) ? 0 : MOST);
  const reaching = reaches.filter(({ lines }) => lines[path]?.includes(line))
    .filter(({ test }) => module === "" || !test.startsWith("tests/e2e/"))
    .sort((one, other) => cost(one) - cost(other));
  const stages: Reach[][] = [];
  let total = 0;
  for (const [at, reach] of reaching.entries()) {
    // The first one by itself: mostly, no other is needed.
    const stage = at === 0 ? 0 : 1 + Math.floor(total / STAGE);
    if ((total += reach.took) < MOST || at === 0) (stages[stage] ??= []).push(reach);
  }
  return stages.filter((stage) => stage !== undefined);
}

async function fateOf(change: Change, reaches: readonly Reach[], sandbox: Sandbox): Promise<Fate> {
  if (isEquivalent(change.key)) return "equivalent";
  const file = `${sandbox.root}/${change.path}`;
  const { source, from, to, put } = change;
  await Deno.writeTextFile(file, source.slice(0, from) + put + source.slice(to));
  try {
    for (const stage of stagesFor(change, reaches)) {
      const tests = stage.map(({ test }) => test);
      const limit = stage.reduce((sum, { took }) => sum + 5 * took, 10_000);
      const { end, output } = await sandbox.test(tests, limit);
      if (end === "passed") continue;
      const by = tests.find((test) => output.includes(`=> ./${test}:`)) ?? tests[0] ?? "";
      noticedBy.set(by, (noticedBy.get(by) ?? 0) + 1);
      return "noticed";
    }
    return "survived";
  } finally {
    await Deno.writeTextFile(file, source);
  }
}

/** The change as a difference of lines. */
function diffOf({ path, source, line, from, to, put, key }: Change): string {
  const [begin, end] = [source.lastIndexOf("\n", from - 1) + 1, source.indexOf("\n", to)];
  const lines = (mark: string, text: string) => text.replaceAll(/^/gm, mark).slice(0, 600);
  const before = lines("- ", source.slice(begin, end));
  const after = lines("+ ", source.slice(begin, from) + put + source.slice(to, end));
  return `${path}:${line}\n${before}\n${after}\n  ${key}\n`;
}

/** A row for each module. */
function table(fates: ReadonlyMap<Change, Fate>): string {
  const moduleOf = ({ path }: Change) => path.split("/").slice(0, 2).join("/");
  const modules = [...new Set([...fates.keys()].map(moduleOf))].sort();
  const count = (module: string, fate?: Fate) =>
    [...fates].filter(([change, one]) =>
      (module === "all" || moduleOf(change) === module) && (fate === undefined || one === fate)
    ).length;
  const rows = [...modules, "all"].map((module) => {
    const [all, same] = [count(module), count(module, "equivalent")];
    const survived = count(module, "survived");
    const share = (100 * survived / Math.max(1, all - same)).toFixed(1);
    return `| ${module} | ${all} | ${same} | ${survived} | ${share} % |`;
  });
  return [
    "| module | changes | change nothing | survive | of those that change anything |",
    "| --- | ---: | ---: | ---: | ---: |",
    ...rows,
  ].join("\n");
}

async function main({ files, sample, workers, end, most }: Options): Promise<number> {
  const all = files.flatMap((path) => changesOf(path, read(path)));
  const stale = Object.values(EQUIVALENT).flat().filter((key) =>
    files.some((path) => key.startsWith(`${path}#`)) && !all.some((change) => change.key === key)
  );
  for (const key of stale) console.log(`no longer a change, remove it: ${key}\n`);
  const waiting = sampleOf(all, sample);
  const count = waiting.length;
  const fates = new Map<Change, Fate>();
  const tests = testFiles(files);
  const reaches: Reach[] = [];
  const work = async (sandbox: Sandbox) => {
    for (let test = tests.shift(); test !== undefined; test = tests.shift()) {
      const reach = await reachOf(test, sandbox);
      if (reach !== undefined) reaches.push(reach);
    }
  };
  const change = async (sandbox: Sandbox) => {
    while (performance.now() < end) {
      const next = waiting.shift();
      if (next === undefined) return;
      const fate = await fateOf(next, reaches, sandbox);
      fates.set(next, fate);
      if (fate === "survived") console.log(`${fates.size} of ${count}: ${diffOf(next)}`);
    }
  };
  const sandboxes = await Promise.all(Array.from({ length: workers }, () => Sandbox.create()));
  try {
    await Promise.all(sandboxes.map(work));
    await Promise.all(sandboxes.map(change));
  } finally {
    for (const sandbox of sandboxes) await sandbox[Symbol.asyncDispose]();
  }
  console.log(table(fates));
  if (waiting.length > 0) console.log(`${waiting.length} more were left out: the time was over`);
  const survived = [...fates.values()].filter((fate) => fate === "survived").length;
  const changing = [...fates.values()].filter((fate) => fate !== "equivalent").length;
  return 100 * survived <= most * changing ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(await optionsFrom(Deno.args)));
