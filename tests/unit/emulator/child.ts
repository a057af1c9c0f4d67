/** Child processes of the tests: other programs of this repository, under the same Deno. */

const root = new URL("../../../", import.meta.url);

/** A command that runs a TypeScript file of the repository with nothing but this environment. */
export function program(
  path: string,
  options: { readonly args?: readonly string[]; readonly env?: Readonly<Record<string, string>> },
): Deno.Command {
  const kept = ["PATH", "HOME", "DENO_DIR", "DENO_NO_UPDATE_CHECK"].flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  return new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-prompt", "--no-check", "-A", ...importMap()],
      new URL(path, root).pathname,
      ...options.args ?? [],
    ],
    clearEnv: true,
    env: { ...Object.fromEntries(kept), ...options.env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

/** The import map that this process runs with, where it has one. */
function importMap(): string[] {
  return import.meta.resolve("@std/assert").startsWith("file:")
    ? [`--import-map=${new URL("tools/std/import_map.json", root).pathname}`]
    : [];
}
