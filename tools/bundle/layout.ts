/**
 * What is bundled, in one folder: the program's files, and the npm packages of the lock file as a
 * `node_modules` folder, where a bundler looks for them. All paths that get into the bundle begin
 * there, so that the same source gives the same bytes wherever it is checked out.
 */
import { runProgram } from "../process.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** The imports of the checkout, with the std packages from npm: the same wherever it is bundled. */
const IMPORT_MAP = "tools/std/import_map.json";

/** What of the checkout is bundled, and how its imports are found. */
const SOURCES = ["main.ts", "lib", "tools"];

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
 * @throws {Error} They could not be had.
 */
export async function layOut(): Promise<Folder> {
  const path = `${await Deno.realPath(await Deno.makeTempDir({ prefix: "bundle-" }))}/`;
  const folder = {
    path,
    [Symbol.asyncDispose]: async () => await Deno.remove(path, { recursive: true }),
  };
  const { imports }: { imports: Record<string, string> } = JSON.parse(
    await Deno.readTextFile(ROOT + IMPORT_MAP),
  );
  const npm = Object.entries(imports).filter(([, target]) => target.startsWith("npm:"));
  const config = {
    imports: { ...Object.fromEntries(npm), "deno-std": "npm:deno-std@1.4.0" },
    nodeModulesDir: "auto",
  };
  await Deno.writeTextFile(`${path}deno.json`, JSON.stringify(config));
  await runProgram("cp", ["-R", ...SOURCES, path], { cwd: ROOT });
  await Deno.copyFile(`${ROOT}deno.lock`, `${path}deno.lock`);
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["install", "--quiet", "--frozen=false"],
    cwd: path,
    stdin: "null",
  }).output();
  if (!success) throw new Error(`Cannot lay out the packages: ${new TextDecoder().decode(stderr)}`);
  return folder;
}
