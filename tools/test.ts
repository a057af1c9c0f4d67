/**
 * `deno task test [PATH]…`: all tests, or some. Those that start the sidecar start its bundle.
 * A run of all of them leaves its report and its coverage in `coverage/`.
 */
import { bundle, DIST } from "./bundle.ts";
import { ROOT, runDeno } from "./deno.ts";

/** How tests are run. */
export const TEST_OPTIONS: readonly string[] = [
  ...["--no-prompt", "-A", "--parallel", "--sanitize-ops", "--sanitize-resources"],
];

const REPORTS = [
  "--coverage=coverage/raw",
  "--coverage-raw-data-only",
  "--junit-path=coverage/junit.xml",
];

if (import.meta.main) {
  await bundle(DIST);
  const isAll = Deno.args.length === 0;
  if (isAll) await Deno.remove(`${ROOT}coverage`, { recursive: true }).catch(() => {});
  const args = isAll ? [...REPORTS, "tests/"] : Deno.args;
  try {
    await runDeno("test", [...TEST_OPTIONS, ...args], { env: { SIDECAR: "bundle" } });
  } catch {
    Deno.exit(1);
  }
}
