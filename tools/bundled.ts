/** What is compiled: the program's files, with their commit in them. */
import { bundle } from "./bundle.ts";

/** What stands in `lib/version.ts` where the commit goes. */
const MARK = "@COMMIT@";

/**
 * Bundles the program into a folder and stamps it.
 * @returns The path of the file to start.
 */
export async function bundleInto(folder: string, commit: string): Promise<string> {
  await bundle(folder);
  await stamp(folder, commit);
  return `${folder}/main.js`;
}

async function stamp(folder: string, commit: string): Promise<void> {
  let stamped = 0;
  for await (const { name } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    const text = await Deno.readTextFile(path);
    if (text.includes(MARK)) {
      await Deno.writeTextFile(path, text.replaceAll(MARK, commit));
      stamped++;
    }
    // A binary holds the times of its files.
    await Deno.utime(path, 0, 0);
  }
  if (stamped !== 1) throw new Error(`${MARK} stands in ${stamped} files, and not in one`);
}
