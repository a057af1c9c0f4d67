/** What is compiled: the program's files, with their commit in them. */
import { runProgram } from "./process.ts";

const ROOT = new URL("../", import.meta.url).pathname;

/** What stands in `lib/version.ts` where the commit goes. */
const MARK = "@COMMIT@";

/**
 * Bundles the program into a folder and stamps it.
 * @returns The path of the file to start.
 */
export async function bundleInto(folder: string, commit: string): Promise<string> {
  await runProgram(Deno.execPath(), ["task", "-q", "bundle", folder], { cwd: ROOT });
  await stamp(folder, commit);
  return `${folder}/main.js`;
}

async function stamp(folder: string, commit: string): Promise<void> {
  let stamped = 0;
  for await (const { name } of Deno.readDir(folder)) {
    const text = await Deno.readTextFile(`${folder}/${name}`);
    if (!text.includes(MARK)) continue;
    await Deno.writeTextFile(`${folder}/${name}`, text.replaceAll(MARK, commit));
    stamped++;
  }
  if (stamped !== 1) throw new Error(`${MARK} stands in ${stamped} files, and not in one`);
}
