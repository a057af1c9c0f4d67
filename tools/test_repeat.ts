/** `deno task test:repeat`: the whole suite, 20 times in a row; the last line says how many passed. */

const RUNS = Number(Deno.args[0] ?? 20);
/** The suite takes a minute or two; one that hangs is a failure too. */
const LONGEST_RUN_MS = 10 * 60_000;

let passed = 0;
for (let run = 1; run <= RUNS; run++) {
  const started = performance.now();
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "test"],
    stdin: "null",
    signal: AbortSignal.timeout(LONGEST_RUN_MS),
  }).output();
  const seconds = Math.round((performance.now() - started) / 1_000);
  console.log(`run ${run} of ${RUNS}: ${success ? "passed" : "FAILED"} in ${seconds} s`);
  if (success) passed++;
  else for (const output of [stdout, stderr]) await Deno.stdout.write(output);
}
console.log(`${passed} of ${RUNS} runs passed`);
Deno.exit(passed === RUNS ? 0 : 1);
