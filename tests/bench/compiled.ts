/** `deno task run tests/bench/compiled.ts`: the benchmark of the compiled sidecar, beside compiled programs. */
import { compileFile, compileInto } from "../../tools/compile.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const PROGRAMS = new URL("programs/", import.meta.url).pathname;

const folder = await Deno.makeTempDir({ prefix: "bench-" });
try {
  const sidecar = await compileInto(folder);
  for await (const { name } of Deno.readDir(PROGRAMS)) {
    await compileFile(PROGRAMS + name, `${folder}/${name.replace(/\.ts$/, "")}`);
  }
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "-q", "bench", ...Deno.args],
    cwd: ROOT,
    env: { SIDECAR: sidecar },
  }).spawn().status;
  // A bar that is not met is no fault of this program.
  Deno.exitCode = code;
} finally {
  await Deno.remove(folder, { recursive: true });
}
