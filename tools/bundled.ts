/** What is compiled: the program's files, with their commit in them. */
import { outputOf, runProgram } from "./process.ts";

const ROOT = new URL("../", import.meta.url).pathname;

/** What stands in `lib/version.ts` where the commit goes. */
const MARK = "@COMMIT@";

/** What `deno compile` is to be given. */
export interface Compilable {
  /** The file to start. */
  readonly entry: string;
  /** How it finds its packages. */
  readonly options: readonly string[];
}

/** Puts the program's files into a new folder and stamps them: bundled, where there is a bundler. */
export async function bundleInto(folder: string, commit: string): Promise<Compilable> {
  const { tasks } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  const compilable = Object.hasOwn(tasks, "bundle") ? await bundled(folder) : await copied(folder);
  await stamp(folder, commit);
  return compilable;
}

async function bundled(folder: string): Promise<Compilable> {
  await runProgram(Deno.execPath(), ["task", "-q", "bundle", folder], { cwd: ROOT });
  return { entry: `${folder}/main.js`, options: ["--no-config", "--no-lock"] };
}

/** The sources as they are, with the packages as the lock file has them. */
async function copied(folder: string): Promise<Compilable> {
  await Deno.mkdir(folder, { recursive: true });
  for (const path of ["main.ts", "lib", "tools/std", "deno.json", "deno.lock"]) {
    await outputOf("cp", ["-R", "--parents", path, folder], { cwd: ROOT });
  }
  const isMapped = import.meta.resolve("@std/assert").startsWith("file:");
  const map = isMapped ? [`--import-map=${folder}/tools/std/import_map.json`] : [];
  return { entry: `${folder}/main.ts`, options: [`--config=${folder}/deno.json`, ...map] };
}

async function stamp(folder: string, commit: string): Promise<void> {
  let stamped = 0;
  for await (const path of filesIn(folder)) {
    const text = await Deno.readTextFile(path);
    if (!text.includes(MARK)) continue;
    await Deno.writeTextFile(path, text.replaceAll(MARK, commit));
    stamped++;
  }
  if (stamped !== 1) throw new Error(`${MARK} stands in ${stamped} files, and not in one`);
}

async function* filesIn(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* filesIn(`${folder}/${name}`);
    else yield `${folder}/${name}`;
  }
}
