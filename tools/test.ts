/**
 * `deno task test [PATH]…`: all tests, or some. Those that start the sidecar start its bundle.
 * A run of all of them leaves its report and its coverage in `coverage/`.
 */
import { XMLParser } from "fast-xml-parser";
import { bundle, DIST } from "./bundle.ts";
import { ROOT, runDeno } from "./deno.ts";

/** How tests are run. */
export const TEST_OPTIONS: readonly string[] = [
  ...["--no-prompt", "-A", "--parallel", "--sanitize-ops", "--sanitize-resources"],
  `--preload=${ROOT}tests/time_limit.ts`,
];

/** For all tests, or some, in milliseconds. */
const LONGEST_RUN = 20 * 60_000;

const REPORT = "coverage/junit.xml";
const REPORTS = ["--coverage=coverage/raw", "--coverage-raw-data-only", `--junit-path=${REPORT}`];

/** How long the tests of each folder took, and the slowest of them: in seconds, side by side. */
function durations(report: string): string {
  const { testsuites } = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: "" })
    .parse(report);
  const suites: Suite[] = [testsuites.testsuite ?? []].flat();
  const tests = suites.flatMap(({ testcase }) => [testcase ?? []].flat());
  const folders = Map.groupBy(tests, ({ classname }) => classname.replace(/\/[^/]*$/, ""));
  const total = (some: readonly Case[]) => some.reduce((sum, { time }) => sum + Number(time), 0);
  const rows = [...folders].map(([folder, some]) => [total(some), folder] as const);
  const slowest = tests.map(({ time, name }) => [Number(time), name] as const);
  const lines = (all: readonly (readonly [number, string])[]) =>
    all.toSorted(([one], [other]) => other - one).slice(0, 10)
      .map(([time, what]) => `${time.toFixed(1).padStart(7)} s  ${what}`).join("\n");
  return `folders:\n${lines(rows)}\ntests:\n${lines(slowest)}`;
}

interface Case {
  readonly name: string;
  /** The file. */
  readonly classname: string;
  readonly time: string;
}

interface Suite {
  readonly testcase?: Case | readonly Case[];
}

if (import.meta.main) {
  await bundle(DIST);
  const isAll = Deno.args.length === 0;
  if (isAll) await Deno.remove(`${ROOT}coverage`, { recursive: true }).catch(() => {});
  const args = isAll ? [...REPORTS, "tests/"] : Deno.args;
  const began = performance.now();
  const signal = AbortSignal.timeout(LONGEST_RUN);
  const isGood = await runDeno("test", [...TEST_OPTIONS, ...args], {
    env: { SIDECAR: "bundle" },
    signal,
  }).then(() => true, () => false);
  if (signal.aborted) console.error("the tests took too long, and were ended");
  if (isAll) console.log(durations(await Deno.readTextFile(ROOT + REPORT)));
  console.log(`the tests took ${((performance.now() - began) / 1_000).toFixed(1)} s`);
  if (!isGood) Deno.exit(1);
}
