/**
 * `deno task run tools/coverage.ts`: the coverage of `lib/`. The tests that start the sidecar start
 * it from source here, and what they reach is added to what the last `deno task test` reached.
 */
import { ROOT, runDeno } from "./deno.ts";
import { runProgram } from "./process.ts";
import { TEST_OPTIONS } from "./test.ts";

const TESTS = ["life", "usage", "features", "drain", "comeback"]
  .map((name) => `tests/e2e/${name}_test.ts`);

await runDeno("test", [...TEST_OPTIONS, ...TESTS], { env: { SIDECAR_COVERAGE: "coverage/raw" } });
await runProgram(Deno.execPath(), ["coverage", "--include=/lib/", "coverage/raw"], { cwd: ROOT });
