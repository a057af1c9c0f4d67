/** `deno task bench:compiled`: the benchmark of the compiled sidecar, beside compiled programs. */
import { COMPILE, compilingDeno, PROGRAM } from "../../tools/compile.ts";
import { runProgram } from "../../tools/process.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const PROGRAMS = new URL("programs/", import.meta.url).pathname;

const folder = await Deno.makeTempDir({ prefix: "bench-" });
try {
  const deno = compilingDeno();
  await runProgram(deno, ["task", "-q", "compile", "--outdir", folder], { cwd: ROOT });
  for await (const { name } of Deno.readDir(PROGRAMS)) {
    const output = `${folder}/${name.replace(/\.ts$/, "")}`;
    await runProgram(deno, [...COMPILE, "--output", output, PROGRAMS + name]);
  }
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "-q", "bench", ...Deno.args],
    cwd: ROOT,
    env: { SIDECAR: `${folder}/${PROGRAM}` },
  }).spawn().status;
  // A bar that is not met is no fault of this program.
  Deno.exitCode = code;
} finally {
  await Deno.remove(folder, { recursive: true });
}
