/**
 * `deno task bundle`: the program and what it uses of its packages, as a few files in `dist/`.
 *
 * `dist/main.js` is started as `main.ts` is, and does the same. It starts sooner and takes less
 * memory: code that is never reached is left out, and so is the Node.js half of the SDK and of Deno.
 */
import * as esbuild from "esbuild";
import { layOut, type Package, packageOf } from "./bundle/layout.ts";
import { programPlugin } from "./bundle/plugin.ts";

const ROOT = new URL("../", import.meta.url).pathname;

/** Where the bundle is, unless another place is asked for. */
export const DIST = `${ROOT}dist`;
const PROCESS = "tools/bundle/node/process.ts";

/** What was made. */
export interface Bundle {
  readonly files: readonly BundledFile[];
  /** The packages of which there is code in it, sorted. */
  readonly packages: readonly Package[];
}

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
export async function bundle(outdir: string): Promise<Bundle> {
  await Deno.remove(outdir, { recursive: true }).catch(() => {});
  await using folder = await layOut();
  const root = folder.path;
  const files: BundledFile[] = [];
  const sources = new Set<string>();
  const lazy = new LazyPackages();
  const plugin = programPlugin({
    root,
    onLazyPackage: (name, file) => lazy.add(name, file),
  });
  const build = async (entry: { in: string; out: string }, splitting: boolean) => {
    const { outputFiles, metafile } = await esbuild.build({
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
      metafile: true,
      logLevel: "warning",
    });
    for (const file of outputFiles) files.push(await write(file));
    for (const { inputs } of Object.values(metafile.outputs)) {
      for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
        if (bytesInOutput > 0) sources.add(path);
      }
    }
  };
  try {
    await build({ in: `${root}main.ts`, out: "main" }, true);
    // One by one: what two of them share would be a file that each has to load whole. The list
    // grows while it is gone through.
    for (const [out, file] of lazy.entries) {
      await build({ in: file, out }, false);
    }
    return { files, packages: packagesOf(sources) };
  } finally {
    await esbuild.stop();
  }
}

/** The packages of source files, which Deno puts into folders of their names and versions. */
export function packagesOf(sources: Iterable<string>): Package[] {
  const keys = [...sources].flatMap((path) =>
    /node_modules\/\.deno\/([^/]+)\//.exec(path)?.[1]?.replace("+", "/") ?? []
  );
  return [...new Set(keys)].sort().map(packageOf);
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
  for (const { name, bytes } of (await bundle(outdir)).files) {
    console.log(`${String(Math.ceil(bytes / 1_000)).padStart(6)} kB  ${name}`);
  }
}
