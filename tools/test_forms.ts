/**
 * `deno task run tools/test_forms.ts [source] [oldest] [aarch64] [binary] [image]`: the end-to-end tests against
 * each form in which the sidecar is used; without arguments, against all.
 *
 * - `source`: `deno run`, all cases
 * - `oldest`: `deno run` by the oldest Deno that the source is for, with its types checked, and the
 *   unit tests that do not need the emulator; then the core cases
 * - `aarch64`: the bundle by a Deno for that processor, the core cases. On another one it takes
 *   qemu-user-static, libc6-arm64-cross and libgcc-s1-arm64-cross of Debian
 * - `binary`: what `deno task compile` makes: the core cases, the attacks, what it is denied, and
 *   which code caches it refuses
 * - `image`: the container, the core cases. See `tests/image/` for what is special to it
 *
 * `DENORT_BIN` and `SIDECAR_DENO`: a runtime to compile with, and the Deno that it belongs to.
 */
import { startScriptFor } from "../tests/image/start_script.ts";
import { bundle, DIST } from "./bundle.ts";
import { compileFile, compileInto, PROGRAM } from "./compile.ts";
import { runDeno } from "./deno.ts";
import { outputOf, runProgram } from "./process.ts";

/** The oldest Deno that the source is for. */
const OLDEST = "2.4.2";

/** Cases that need nothing of the system but the network: no shell, no files, no second process. */
const CORE = [
  "^with (all defaults|a port|flags from the environment)",
  "^in three groups",
  "^-version prints",
  "^SIGTERM while (idle|asking for the health|RegisterTargets is in flight)",
].join("|");

/**
 * Unit tests that run under the oldest Deno. The emulator's server needs a newer one, and so do
 * clients that choose their own address.
 */
const UNIT = [
  ...["config", "hooks", "lifecycle", "registration"],
  ...["address", "clock", "duration", "log", "permissions", "signals", "termination_log"].map((
    one,
  ) => `host/${one}_test.ts`),
].map((path) => `tests/unit/${path}`);

type Environment = Readonly<Record<string, string>>;

const FORMS: Readonly<Record<string, () => Promise<void>>> = {
  source: () => endToEnd({}),
  oldest: async () => {
    const deno = await oldestDeno();
    await runDeno("check", ["main.ts"], { deno });
    await runDeno("test", ["--no-prompt", "-A", "--no-check", ...UNIT], { deno });
    await endToEnd({ SIDECAR_DENO: deno, SIDECAR_CASES: CORE });
  },
  aarch64: async () => {
    await bundle(DIST);
    const folder = await Deno.makeTempDir();
    const deno = await aarch64Deno(folder);
    await endToEnd({ SIDECAR: "bundle", SIDECAR_DENO: deno, SIDECAR_CASES: CORE });
    await Deno.remove(folder, { recursive: true });
  },
  binary: async () => {
    const folder = await Deno.makeTempDir();
    const program = await compileInto(folder);
    await endToEnd({ SIDECAR: program, SIDECAR_CASES: CORE });
    await endToEnd({ SIDECAR: program }, ["attack/"]);
    await endToEnd({ SIDECAR: program, SIDECAR_CASES: CREDENTIALS }, ["credentials_test.ts"]);
    await denials(`${folder}/probe`);
    await codeCache(`${folder}/cached`);
    await Deno.remove(folder, { recursive: true });
  },
  image: async () => {
    await using script = await startScriptFor();
    await endToEnd({ SIDECAR: script.path, SIDECAR_CASES: CORE });
  },
};

/** What keeps credentials where they belong. */
const CREDENTIALS = "^a program in ~/.aws|with a message that repeats the request";

const LIFECYCLE = ["life_test.ts", "signals_test.ts", "usage_test.ts"];

async function endToEnd(env: Environment, paths = LIFECYCLE): Promise<void> {
  const tests = paths.map((path) => `tests/e2e/${path}`);
  await runDeno("test", ["--no-prompt", "-A", ...tests], { env });
}

/** What a compiled program may not do once it has given its permissions back. */
async function denials(probe: string): Promise<void> {
  const unit = "tests/unit/host";
  await compileFile(`${unit}/programs/permissions_probe.ts`, probe);
  await runDeno("test", ["--no-prompt", "-A", `${unit}/permissions_test.ts`], {
    env: { PERMISSIONS_PROBE: probe },
  });
}

/**
 * A cache of compiled code that is damaged, or of another program, is not used. In the image it cannot be replaced: tests/image/checks.ts.
 */
async function codeCache(folder: string): Promise<void> {
  const program = await compileInto(folder, "--code-cache");
  const cache = `${folder}/deno-compile-${PROGRAM}.cache`;
  /** The file that the program has after a run: a file that it refuses it makes anew. */
  const fileAfterRun = async () => {
    await outputOf(program, ["-version"], { env: { TMPDIR: folder } });
    return (await Deno.stat(cache)).ino;
  };
  const own = await fileAfterRun();
  if (await fileAfterRun() !== own) throw new Error("the program does not use its own code cache");
  const whole = await Deno.readFile(cache);
  const flipped = (at: number) => whole.with(at, (whole[at] ?? 0) ^ 1);
  const damaged = [flipped(0), flipped(whole.length >> 1), whole.slice(0, 1_000), new Uint8Array()];
  for (const bytes of damaged) {
    await Deno.writeFile(cache, bytes);
    const { ino } = await Deno.stat(cache);
    if (await fileAfterRun() === ino) throw new Error("the program uses a damaged code cache");
  }
  console.log("code cache: the own one is used, four others are refused ... ok");
}

/** From the npm registry, as everything else. */
async function oldestDeno(): Promise<string> {
  return await outputOf("npx", ["-y", `deno@${OLDEST}`, "eval", "-p", "Deno.execPath()"]);
}

/** From the npm registry too; a script where it takes an emulator. */
async function aarch64Deno(folder: string): Promise<string> {
  const name = `@deno/linux-arm64-glibc@${Deno.version.deno}`;
  const file = await outputOf("npm", ["pack", "--silent", name], { cwd: folder });
  await runProgram("tar", ["-xzf", file], { cwd: folder });
  const deno = `${folder}/package/deno`;
  if (Deno.build.arch === "aarch64") return deno;
  const script = `${folder}/deno`;
  const emulated = `qemu-aarch64-static -L /usr/aarch64-linux-gnu ${deno}`;
  await Deno.writeTextFile(script, `#!/bin/sh\nexec ${emulated} "$@"\n`, { mode: 0o755 });
  return script;
}

if (import.meta.main) {
  const chosen = Deno.args.length > 0 ? Deno.args : Object.keys(FORMS);
  for (const name of chosen) {
    const run = FORMS[name];
    if (run === undefined) {
      throw new Error(`there is no form "${name}": give ${Object.keys(FORMS).join(", ")}`);
    }
    console.log(`== ${name}`);
    await run();
  }
}
