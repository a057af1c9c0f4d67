/** Which file of tests reaches which lines of the program, and how long it takes. */
import { importsOf, read, sourceFiles } from "../../tests/unit/modules.ts";
import { ROOT } from "../deno.ts";
import type { Sandbox } from "./sandbox.ts";

/** What a file of tests reaches. */
export interface Reach {
  readonly test: string;
  /** In milliseconds. */
  readonly took: number;
  /** By path. */
  readonly lines: Readonly<Record<string, readonly number[]>>;
  /** Of all that it is made of: another one makes this out of date. */
  readonly digest: string;
}

/** Tests that say nothing of the program, or that take longer than a change is worth. */
const LEFT_OUT = /\/(docs\/(?!pinned)|(tools|bench|cluster|rollout|emulator)\/)/;
/** Tests of the real process. */
const END_TO_END = ["usage", "features", "life", "drain", "signals"]
  .map((name) => `tests/e2e/${name}_test.ts`);

/** One file of tests may take so long, in milliseconds. */
const LIMIT = 120_000;

/** The files of tests that may notice changes of these files of the program. */
export function testFiles(changed: readonly string[]): string[] {
  const near = [...sourceFiles("tests/unit/")]
    .filter((path) => path.endsWith("_test.ts") && !LEFT_OUT.test(path));
  const far = ["tests/simulation/simulation_test.ts", "tests/property/property_test.ts"];
  const isAbove = changed.some((path) => !path.includes("/", "lib/".length));
  const all = [...near, ...far, ...isAbove ? END_TO_END : []];
  return all.filter((test) => {
    const parts = partsOf(test);
    return changed.some((path) => parts.has(path));
  });
}

/**
 * From the last run, where nothing that the tests are made of has changed since.
 * @returns Undefined, and prints why, where the tests fail without any change.
 */
export async function reachOf(test: string, sandbox: Sandbox): Promise<Reach | undefined> {
  const kept = `${ROOT}coverage/reach/${test.replaceAll("/", "-")}.json`;
  const digest = await digestOf(test);
  const last: Reach | undefined = await Deno.readTextFile(kept).then(JSON.parse).catch(() => {});
  if (last?.digest === digest) return last;
  const raw = `${sandbox.root}/coverage/raw`;
  const { end, output, took } = await sandbox.test([test], LIMIT, raw);
  if (end !== "passed") {
    console.log(`${test} fails without any change, and is left out:\n${output.slice(-2_000)}`);
    return undefined;
  }
  const report = await sandbox.deno(["coverage", "--quiet", "--lcov", raw], LIMIT);
  if (report.end !== "passed") throw new Error(`no coverage of ${test}:\n${report.output}`);
  await Deno.remove(raw, { recursive: true }).catch(() => {});
  const reach = { test, took, lines: linesOf(report.output, sandbox.root), digest };
  await Deno.mkdir(`${ROOT}coverage/reach`, { recursive: true });
  await Deno.writeTextFile(kept, JSON.stringify(reach));
  return reach;
}

/** The lines that were run, from a report in the form of lcov. */
function linesOf(report: string, root: string): Record<string, number[]> {
  const lines: Record<string, number[]> = {};
  for (const record of report.split("end_of_record")) {
    const path = /^SF:(.*)$/m.exec(record)?.[1]?.slice(root.length + 1) ?? "";
    const run = [...record.matchAll(/^DA:(\d+),[1-9]/gm)].map(([, line]) => Number(line));
    if (/^(lib\/|main\.ts)/.test(path) && run.length > 0) lines[path] = run;
  }
  return lines;
}

/** The files that a file of tests is made of. */
function partsOf(test: string): ReadonlySet<string> {
  const parts = new Set<string>();
  const add = (path: string) => {
    if (parts.has(path)) return;
    parts.add(path);
    importsOf(path).filter((one) => one.endsWith(".ts")).forEach(add);
    if (path === "tools/sidecar_command.ts") add("main.ts");
  };
  add(test);
  return parts;
}

async function digestOf(test: string): Promise<string> {
  const text = [...partsOf(test)].sort().map((path) => path + read(path)).join("\n");
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(hash).toHex();
}
