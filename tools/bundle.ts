/**
 * `deno task bundle`: the program and what it uses of its packages, as a few files in `dist/`.
 *
 * `dist/main.js` is started as `main.ts` is, and does the same. It starts sooner and takes less
 * memory: code that is never reached is left out, and so is the Node.js half of the SDK and of Deno.
 */
import * as esbuild from "esbuild";
import { layOut } from "./bundle/layout.ts";
import { programPlugin } from "./bundle/plugin.ts";

const ROOT = new URL("../", import.meta.url).pathname;

/** Where the bundle is, unless another place is asked for. */
export const DIST = `${ROOT}dist`;
const PROCESS = "tools/bundle/node/process.ts";

/** A file of the bundle. */
export interface BundledFile {
  readonly name: string;
  readonly bytes: number;
}

/** Packages that are loaded only when they are needed: the first file of each, by its new name. */
class LazyPackages {
  readonly entries = new Map<string, string>();

  /** Gives the package a name, and what an import of it leads to. */
  add(name: string, file: string): string {
    const short = name.replace(/^@[^/]+\//, "").replaceAll("/", "-");
    this.entries.set(short, file);
    return `./${short}.js`;
  }
}

/** Bundles the program into a folder, which is emptied first. */
export async function bundle(outdir: string): Promise<BundledFile[]> {
  await Deno.remove(outdir, { recursive: true }).catch(() => {});
  await using folder = await layOut();
  const root = folder.path;
  const lazy = new LazyPackages();
  const plugin = programPlugin({
    root,
    onLazyPackage: (name, file) => lazy.add(name, file),
  });
  const build = async (entry: { in: string; out: string }, splitting: boolean) => {
    const { outputFiles } = await esbuild.build({
      entryPoints: [entry],
      // Files are named by their paths from here, in comments that count for the hashes.
      absWorkingDir: root,
      outdir,
      bundle: true,
      splitting,
      format: "esm",
      target: "esnext",
      platform: "node",
      conditions: ["module"],
      mainFields: ["module", "main"],
      inject: [root + PROCESS],
      plugins: [plugin],
      write: false,
      logLevel: "warning",
    });
    return await Promise.all(outputFiles.map(write));
  };
  try {
    const files = await build({ in: `${root}main.ts`, out: "main" }, true);
    // One by one: what two of them share would be a file that each has to load whole. The list
    // grows while it is gone through.
    for (const [out, file] of lazy.entries) {
      files.push(...await build({ in: file, out }, false));
    }
    return files;
  } finally {
    await esbuild.stop();
  }
}

async function write({ path, text }: esbuild.OutputFile): Promise<BundledFile> {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  const content = withHiddenImports(text);
  await Deno.writeTextFile(path, content);
  return { name: path.slice(path.lastIndexOf("/") + 1), bytes: content.length };
}

/**
 * Deno reads every file at start that it sees an `import()` of, used or not, and keeps it in memory:
 * 4 MB. It does not see those whose path is not plain text. What every life needs it may see: to
 * read such a file later takes 2 MB more.
 */
function withHiddenImports(text: string): string {
  return text.replaceAll(
    /\bimport\(("\.\/(?!program-|client-)[^"]+")\)/g,
    (_, path) => `import(String(${path}))`,
  );
}

if (import.meta.main) {
  const outdir = Deno.args[0] ?? DIST;
  for (const { name, bytes } of await bundle(outdir)) {
    console.log(`${String(Math.ceil(bytes / 1_000)).padStart(6)} kB  ${name}`);
  }
}
