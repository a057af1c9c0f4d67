/** How large the bundle is. */

const DIST = new URL("../../dist/", import.meta.url);
/** What every life loads; the rest only some ways to get credentials, and commands of hooks. */
const ALWAYS = /^(main|program-|pod-|client-|chunk-)/;

/** What is in `dist/`, in words. */
export async function bundleSize(): Promise<string> {
  let [all, always] = [0, 0];
  try {
    for await (const { name, isFile } of Deno.readDir(DIST)) {
      if (!isFile) continue;
      const { size } = await Deno.stat(new URL(name, DIST));
      all += size;
      if (ALWAYS.test(name)) always += size;
    }
  } catch {
    return "there is none";
  }
  const kilobytes = (bytes: number) => `${Math.ceil(bytes / 1_000)} kB`;
  return `${kilobytes(all)}, of which ${kilobytes(always)} are loaded in every life`;
}
