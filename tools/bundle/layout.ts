/**
 * What is bundled, in one folder: the program's files, and the npm packages of the lock file as a
 * `node_modules` folder, where a bundler finds them. All paths that get into the bundle begin
 * there, so that the same source gives the same bytes wherever it is checked out.
 */
import { outputOf, runProgram } from "../process.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** The imports of the checkout, with the std packages from npm: the same wherever it is bundled. */
const IMPORT_MAP = "tools/std/import_map.json";

/** What of the checkout is bundled, and how its imports are found. */
const SOURCES = ["main.ts", "lib", "tools"];

/** A lock file of Deno's, as far as it is read here. */
export interface Lock {
  /** By name and version. */
  readonly npm: Readonly<Record<string, { readonly integrity: string }>>;
  readonly workspace: { readonly dependencies: readonly string[] };
}

/** A package's name and version. */
export interface Package {
  readonly name: string;
  readonly version: string;
}

/** Reads `NAME@VERSION`, behind which may stand `_` and the versions of its peers. */
export function packageOf(key: string): Package {
  const [, name = "", version = ""] = /^(@?[^@]+)@([^_]+)/.exec(key) ?? [];
  return { name, version };
}

/** Where an import of the checkout's own files leads: a file, or an npm package's name and path. */
export type Import = { readonly file: string } | { readonly npm: string };

/**
 * Reads the import map.
 * @param root Where the sources are.
 * @returns What tells where a bare import leads; undefined if nowhere.
 */
export function readImports(root: string): (specifier: string) => Import | undefined {
  const { imports }: { imports: Record<string, string> } = JSON.parse(
    Deno.readTextFileSync(root + IMPORT_MAP),
  );
  return (specifier) => {
    const target = imports[specifier] ?? specifier;
    if (target.startsWith("./")) {
      return { file: new URL(target, `file://${root}${IMPORT_MAP}`).pathname };
    }
    const npm = withoutVersion(target);
    return npm === undefined ? undefined : { npm };
  };
}

/** `npm:NAME@VERSION/PATH` as `NAME/PATH`. */
function withoutVersion(target: string): string | undefined {
  const parts = /^npm:\/?((?:@[^/]+\/)?[^@/]+)(?:@[^/]+)?(\/.*)?$/.exec(target);
  return parts === null ? undefined : `${parts[1]}${parts[2] ?? ""}`;
}

/** A folder that goes away when it is disposed of; its path ends with a slash. */
export interface Folder extends AsyncDisposable {
  readonly path: string;
}

/**
 * Lays out the program's files, and the packages that it imports in the versions of the lock file.
 * @throws {Error} They could not be had, or the lock file has other versions or other hashes.
 */
export async function layOut(): Promise<Folder> {
  const path = `${await Deno.realPath(await Deno.makeTempDir({ prefix: "bundle-" }))}/`;
  await runProgram("cp", ["-R", ...SOURCES, path], { cwd: ROOT });
  const lock: Lock = JSON.parse(await Deno.readTextFile(`${ROOT}deno.lock`));
  const imports = await npmImports();
  await Deno.writeTextFile(`${path}deno.json`, JSON.stringify({ imports, nodeModulesDir: "auto" }));
  await Deno.writeTextFile(`${path}deno.lock`, JSON.stringify(lockOf(imports, lock)));
  // Fails where an import is of another version than the lock file's, or a download of another hash.
  await outputOf(Deno.execPath(), ["install", "--quiet", "--frozen"], { cwd: path });
  await checkHashes(lock);
  return {
    path,
    [Symbol.asyncDispose]: async () => await Deno.remove(path, { recursive: true }),
  };
}

/** What is imported from npm, the std packages included. */
async function npmImports(): Promise<Record<string, string>> {
  const { imports }: { imports: Record<string, string> } = JSON.parse(
    await Deno.readTextFile(ROOT + IMPORT_MAP),
  );
  const npm = Object.entries(imports).filter(([, target]) => target.startsWith("npm:"));
  return { ...Object.fromEntries(npm), "deno-std": "npm:deno-std@1.4.0" };
}

/** The checkout's lock file, as if its `deno.json` named these imports: a frozen one has to. */
function lockOf(imports: Readonly<Record<string, string>>, lock: Lock): Lock {
  const packages = Object.values(imports).map((target) =>
    target.replace(/^npm:\/?((?:@[^/]+\/)?[^/]+).*$/, "npm:$1")
  );
  return { ...lock, workspace: { dependencies: [...new Set(packages)].sort() } };
}

/**
 * Deno compares a package with its hash when it fetches it, and not when it is in the cache: there,
 * what the registry said its hash was is compared.
 */
async function checkHashes({ npm }: Lock): Promise<void> {
  const { npmCache } = JSON.parse(await outputOf(Deno.execPath(), ["info", "--json"]));
  for (const registry of Deno.readDirSync(npmCache)) {
    for (const [key, { integrity }] of Object.entries(npm)) {
      const { name, version } = packageOf(key);
      const file = `${npmCache}/${registry.name}/${name}/registry.json`;
      const text = await Deno.readTextFile(file).catch(() => undefined);
      const fetched = text && JSON.parse(text).versions[version]?.dist.integrity;
      if (fetched === undefined || fetched === integrity) continue;
      throw new Error(`${key}: deno.lock has the hash ${integrity}, but ${fetched} was fetched`);
    }
  }
}
