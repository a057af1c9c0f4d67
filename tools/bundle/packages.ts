/** The npm packages of the lock file as a `node_modules` folder, where a bundler looks for them. */

const ROOT = new URL("../../", import.meta.url).pathname;

/** The imports of the checkout, with the std packages from npm: the same wherever it is bundled. */
export const IMPORT_MAP = `${ROOT}tools/std/import_map.json`;

/** Where an import of the checkout's own files leads: a file, or an npm package's name and path. */
export type Import = { readonly file: string } | { readonly npm: string };

/** Reads the import map. @returns What tells where a bare import leads; undefined if nowhere. */
export function readImports(): (specifier: string) => Import | undefined {
  const { imports }: { imports: Record<string, string> } = JSON.parse(
    Deno.readTextFileSync(IMPORT_MAP),
  );
  return (specifier) => {
    const target = imports[specifier] ?? specifier;
    if (target.startsWith("./")) return { file: new URL(target, `file://${IMPORT_MAP}`).pathname };
    const npm = withoutVersion(target);
    return npm === undefined ? undefined : { npm };
  };
}

/** `npm:NAME@VERSION/PATH` as `NAME/PATH`. */
function withoutVersion(target: string): string | undefined {
  const parts = /^npm:\/?((?:@[^/]+\/)?[^@/]+)(?:@[^/]+)?(\/.*)?$/.exec(target);
  return parts === null ? undefined : `${parts[1]}${parts[2] ?? ""}`;
}

/** A folder that goes away when it is disposed of. */
export interface Folder extends AsyncDisposable {
  readonly path: string;
}

/**
 * Lays out the packages that the program imports, in the versions of the lock file.
 * @throws {Error} They could not be had.
 */
export async function layOutPackages(): Promise<Folder> {
  const path = await Deno.makeTempDir({ prefix: "bundle-" });
  const folder = {
    path,
    [Symbol.asyncDispose]: async () => await Deno.remove(path, { recursive: true }),
  };
  const { imports }: { imports: Record<string, string> } = JSON.parse(
    await Deno.readTextFile(IMPORT_MAP),
  );
  const npm = Object.entries(imports).filter(([, target]) => target.startsWith("npm:"));
  const config = {
    imports: { ...Object.fromEntries(npm), "deno-std": "npm:deno-std@1.4.0" },
    nodeModulesDir: "auto",
  };
  await Deno.writeTextFile(`${path}/deno.json`, JSON.stringify(config));
  await Deno.copyFile(`${ROOT}deno.lock`, `${path}/deno.lock`);
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["install", "--quiet", "--frozen=false"],
    cwd: path,
    stdin: "null",
  }).output();
  if (!success) throw new Error(`Cannot lay out packages: ${new TextDecoder().decode(stderr)}`);
  return folder;
}
