/** The modules of the program and what they import, for the tests of its structure. */

const root = new URL("../../", import.meta.url);

/** Imports go down this list, or stay in the module. */
export const MODULES = [
  "main.ts",
  "lib/program.ts",
  "lib/pod.ts",
  "lib/preflight.ts",
  "lib/http/",
  "lib/lifecycle/",
  "lib/registration/",
  "lib/application/",
  "lib/config/",
  "lib/hooks/",
  "lib/aws/",
  "lib/host/",
  "lib/version.ts",
];

/** The TypeScript files below a folder. */
export function* sourceFiles(folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(new URL(folder, root))) {
    const path = folder + entry.name;
    if (entry.isDirectory) yield* sourceFiles(path + "/");
    else if (path.endsWith(".ts")) yield path;
  }
}

/** All files of the program. */
export const program: readonly string[] = ["main.ts", ...sourceFiles("lib/")];

/** The text of a file, by its path in the repository. */
export function read(path: string): string {
  return Deno.readTextFileSync(new URL(path, root));
}

/** What a file imports of the program. */
export function importsOf(path: string): string[] {
  const local = [...read(path).matchAll(/(?:from|import)\s*\(?"(\.[^"]+)"/g)];
  return local.map(([, specifier = ""]) =>
    new URL(specifier, new URL(path, root)).pathname.slice(root.pathname.length)
  );
}

/** Where a file's module is in the list; -1 for none. */
export function moduleOf(path: string): number {
  return MODULES.findIndex((module) =>
    path === module || (module.endsWith("/") && path.startsWith(module))
  );
}

/**
 * Which module imports which, without what follows from the others: where A imports B and B imports
 * C, A → C says nothing new.
 */
export function importsBetweenModules(): [string, string][] {
  const edges = new Map(MODULES.map((_, at) => [at, new Set<number>()]));
  for (const path of program) {
    for (const imported of importsOf(path)) edges.get(moduleOf(path))?.add(moduleOf(imported));
  }
  const next = (from: number) => [...edges.get(from) ?? []].filter((to) => to !== from);
  const reaches = (from: number, to: number): boolean =>
    next(from).some((one) => one === to || (one < to && reaches(one, to)));
  return MODULES.flatMap((from, at) =>
    next(at).sort((one, other) => one - other)
      .filter((to) => !next(at).some((one) => one !== to && reaches(one, to)))
      .map((to): [string, string] => [from, MODULES[to] ?? ""])
  );
}
