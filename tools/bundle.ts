/**
 * `deno task bundle`: the program and what it uses of its packages, as a few files in `dist/`.
 *
 * `dist/main.js` is started as `main.ts` is, and does the same. It starts sooner and takes less
 * memory: code that is never reached is left out, and so is the Node.js half of the SDK and of Deno.
 */
import * as esbuild from "esbuild";
import type { SourceMapPayload } from "node:module";
import { layOut, type Package, packageOf } from "./bundle/layout.ts";
import { programPlugin } from "./bundle/plugin.ts";

const ROOT = new URL("../", import.meta.url).pathname;

/** The default folder of the bundle. */
export const DIST = `${ROOT}dist`;
const PROCESS = "tools/bundle/node/process.ts";

/** What was made. */
export interface Bundle {
  readonly files: readonly BundledFile[];
  /** The packages of which there is code in it, sorted. */
  readonly packages: readonly Package[];
  /**
   * Not among the files: Deno reads a source map that a file names when it reads the file, which
   * takes 1.5 MB and 10 ms, whether there is a stack trace to show or not.
   */
  readonly maps: SourceMaps;
}

/** The source maps of a bundle's files, by their names. */
export type SourceMaps = Readonly<Record<string, SourceMapPayload>>;

/** A file of the bundle. */
export interface BundledFile {
  readonly name: string;
  readonly bytes: number;
}

/**
 * Behind the name of each file but the first, while esbuild is at work: as many characters as
 * `String()` has. So {@link withHiddenImports} moves nothing, and the source maps stay right.
 */
const PAD = "_".repeat("String()".length);

/** Parts that are loaded only when they are needed: the first file of each, by its new name. */
class LazyParts {
  readonly entries = new Map<string, string>();

  /** Gives the part a name, and what an import of it leads to. */
  add(name: string, file: string): string {
    const short = name.replace(/^@[^/]+\//, "").replaceAll("/", "-");
    this.entries.set(short, file);
    return `./${short}${PAD}.js`;
  }
}

/** Bundles the program into a folder, which is emptied first. */
export async function bundle(outdir: string): Promise<Bundle> {
  await Deno.remove(outdir, { recursive: true }).catch(() => {});
  await using folder = await layOut();
  const root = folder.path;
  const files: BundledFile[] = [];
  const sources = new Set<string>();
  const maps: Record<string, SourceMapPayload> = {};
  const lazy = new LazyParts();
  const plugin = programPlugin({
    root,
    onLazyPart: (name, file) => lazy.add(name, file),
  });
  const build = async (entry: { in: string; out: string }, splitting: boolean) => {
    const { outputFiles, metafile } = await esbuild.build({
      entryPoints: [entry],
      // Files are named by their paths from here, in source maps and for the hashes.
      absWorkingDir: root,
      outdir: `${root}out`,
      chunkNames: `[name]-[hash]${PAD}`,
      bundle: true,
      splitting,
      format: "esm",
      target: "esnext",
      platform: "node",
      conditions: ["module"],
      mainFields: ["module", "main"],
      inject: [root + PROCESS],
      minify: true,
      legalComments: "inline",
      sourcemap: "external",
      sourcesContent: false,
      plugins: [plugin],
      write: false,
      metafile: true,
      logLevel: "warning",
    });
    for (const { path, text } of outputFiles) {
      const name = path.slice(path.lastIndexOf("/") + 1).replace(PAD, "");
      if (name.endsWith(".map")) maps[name.slice(0, -".map".length)] = JSON.parse(text);
      else files.push(await write(`${outdir}/${name}`, withHiddenImports(text)));
    }
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
    return { files, packages: packagesOf(sources), maps };
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

async function write(path: string, content: string): Promise<BundledFile> {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  await Deno.writeTextFile(path, content);
  return { name: path.slice(path.lastIndexOf("/") + 1), bytes: content.length };
}

/**
 * Deno reads every file at start that it sees an `import()` of, used or not, and keeps it in memory:
 * 4 MB. It does not see those whose path is not plain text. What every run needs stays visible:
 * to read such a file later takes 2 MB more.
 */
function withHiddenImports(text: string): string {
  const blank = PAD.replaceAll("_", " ");
  return text
    .replaceAll(
      new RegExp(`\\bimport\\("(\\./(?!program-|pod-)[^"]+)${PAD}\\.js"\\)`, "g"),
      (_, path) => `import(String("${path}.js"))`,
    )
    .replaceAll(new RegExp(`("\\./[^"]+)${PAD}\\.js"`, "g"), (_, path) => `${path}.js"${blank}`);
}

if (import.meta.main) {
  const outdir = Deno.args[0] ?? DIST;
  const { files, maps } = await bundle(outdir);
  for (const { name, bytes } of files) {
    console.log(`${String(Math.ceil(bytes / 1_000)).padStart(6)} kB  ${name}`);
  }
  await Deno.writeTextFile(`${outdir}/sourcemaps.json`, JSON.stringify(maps));
}
