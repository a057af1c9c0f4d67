/** How the bundler finds what the program imports, and what it puts in its place. */
import { isBuiltin } from "node:module";
import type { OnResolveArgs, OnResolveResult, Plugin, PluginBuild } from "esbuild";
import { readImports } from "./layout.ts";

/** The files of this folder, from the root of the sources. */
const HERE = "tools/bundle/";

/**
 * Small stand-ins for parts of Node.js: at the first use of any of its own, Deno loads much of them,
 * which takes 7 to 12 MB. What is not listed is Deno's; nothing on the sidecar's usual way needs it.
 */
const NODE_PARTS: Readonly<Record<string, string>> = {
  "node:fs": "node/fs.ts",
  "node:fs/promises": "node/fs_promises.ts",
  "node:os": "node/os.ts",
  "node:path": "node/path.ts",
  "node:process": "node/process.ts",
};

/** Stand-ins for packages alone: the program's own code gets the part of Node.js. */
const SDK_PARTS: Readonly<Record<string, string>> = { "node:http": "node/http.ts" };

/** The SDK brings each of these for the web too, where it needs nothing of Node.js. */
const FOR_THE_WEB =
  /@smithy\/core\/dist-es\/(submodules\/(serde|checksum)\/index|.*\/isStreamingPayload)\.js$/;

/** Comes from the Node.js half of the SDK's clients for STS and others. */
const NODE_HTTP_HANDLER = "@smithy/node-http-handler";

/** Of the program's own: what it shares with the rest would be in a file that every run loads. */
const ON_DEMAND = /\/credentials\/(identity)\.ts$/;

/** For a part of Node.js that a CommonJS package requires: Deno has no `require` in a module. */
const BUILTIN = "builtin";

/** Marks a request of the plugin itself, which the bundler has to resolve. */
const FROM_PLUGIN = Symbol("from the plugin");

/** What the plugin depends on. */
export interface PluginOptions {
  /** Where the program's files are, and its packages. */
  readonly root: string;
  /**
   * Called for each part that is loaded only when it is needed, with its name and its first file;
   * gives what the import is to lead to.
   */
  readonly onLazyPart: (name: string, file: string) => string;
}

/** Makes the plugin. */
export function programPlugin({ root, onLazyPart }: PluginOptions): Plugin {
  const find = readImports(root);
  const setup = (build: PluginBuild) => {
    const locate = async (path: string, { kind, resolveDir }: OnResolveArgs, from = resolveDir) => {
      const answer = await build.resolve(path, { kind, resolveDir: from, pluginData: FROM_PLUGIN });
      const web = answer.path.replace(/\.js$/, ".browser.js");
      return FOR_THE_WEB.test(answer.path) ? { ...answer, path: web } : answer;
    };
    const resolve = async (args: OnResolveArgs): Promise<OnResolveResult | undefined> => {
      const { path, importer, kind, namespace, pluginData } = args;
      if (pluginData === FROM_PLUGIN) return undefined;
      if (namespace === BUILTIN) return { path, external: true };
      const isPackage = importer.includes("/node_modules/");
      const part = NODE_PARTS[path] ?? (isPackage ? SDK_PARTS[path] : undefined);
      if (part !== undefined) return { path: root + HERE + part, sideEffects: false };
      if (path.startsWith("node:")) return { path, external: true };
      if (kind === "require-call" && isBuiltin(path)) return { path, namespace: BUILTIN };
      if (path === NODE_HTTP_HANDLER) return { path: `${root}${HERE}node_http_handler.ts` };
      if (isPackage) {
        const answer = await locate(path, args);
        const isLazy = kind === "dynamic-import" && !path.startsWith(".");
        return isLazy ? { path: onLazyPart(path, answer.path), external: true } : answer;
      }
      const target = find(path);
      if (target === undefined) return undefined;
      return "file" in target ? { path: target.file } : await locate(target.npm, args, root);
    };
    build.onResolve({ filter: ON_DEMAND }, ({ kind, resolveDir, path }) => {
      const [, name = ""] = ON_DEMAND.exec(path) ?? [];
      if (kind !== "dynamic-import") return undefined;
      return { path: onLazyPart(name, `${resolveDir}/${path}`), external: true };
    });
    // All other paths are relative and need no plugin; to handle each would take most of the time.
    build.onResolve({ filter: /^[^./]|isStreamingPayload$/ }, resolve);
    build.onLoad({ filter: /./, namespace: BUILTIN }, ({ path }) => ({
      contents: `export * from "node:${path}"; export { default } from "node:${path}";`,
    }));
  };
  return { name: "program", setup };
}
