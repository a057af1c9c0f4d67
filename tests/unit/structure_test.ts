/** The rules of the structure, as `docs/architecture.md` states them. */
import { assertEquals, assertNotEquals } from "@std/assert";
import { changed } from "../simulation/mutants/main.ts";
import { MUTANTS } from "../simulation/mutants/mutants.ts";
import { importsOf, moduleOf, program, read, sourceFiles } from "./modules.ts";

Deno.test("every file of the program is in a module", () => {
  assertEquals(program.filter((path) => moduleOf(path) < 0), []);
});

Deno.test("imports go down the list of modules, never up", () => {
  const upwards = program.flatMap((path) =>
    importsOf(path).filter((imported) => moduleOf(imported) < moduleOf(path))
      .map((imported) => `${path} imports ${imported}`)
  );
  assertEquals(upwards, []);
});

Deno.test("imports never form a cycle", () => {
  const cycles: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, way: readonly string[]) => {
    if (way.includes(path)) return void cycles.push([...way, path].join(" → "));
    if (done.has(path)) return;
    for (const imported of importsOf(path)) visit(imported, [...way, path]);
    done.add(path);
  };
  for (const path of program) visit(path, []);
  assertEquals(cycles, []);
});

Deno.test("every file is imported by the program: nothing lies about unused", () => {
  const reached = new Set<string>();
  const visit = (path: string) => {
    if (reached.has(path)) return;
    reached.add(path);
    importsOf(path).forEach(visit);
  };
  visit("main.ts");
  assertEquals(program.filter((path) => !reached.has(path)), []);
});

/** What may be said in one place only, and where. */
const ONE_PLACE: readonly [RegExp, string][] = [
  [/AbortSignal\.(timeout|any)\(/, "lib/host/clock.ts"],
  [/set(Timeout|Interval)\(/, "nowhere"],
  [
    /performance\.now|Date\.now/,
    "lib/host/clock.ts lib/aws/credentials/refresh.ts lib/aws/sdk_errors.ts",
  ],
  [/Math\.random/, "lib/host/clock.ts"],
  [/Deno\.env/, "main.ts"],
  [/Deno\.exit/, "main.ts"],
  [
    /@aws-sdk\/|@smithy\//,
    "lib/aws/client.ts lib/aws/endpoint.ts lib/aws/handler.ts lib/aws/credentials/identity.ts " +
    "lib/aws/sdk_client.ts lib/aws/sdk_errors.ts lib/aws/credentials/chain.ts",
  ],
  [/@std\/log/, "lib/host/log.ts"],
  [/from "@std\/cli/, "lib/config/arguments.ts"],
];

for (const [pattern, places] of ONE_PLACE) {
  Deno.test(`${pattern.source} stands in ${places} alone`, () => {
    const elsewhere = program.filter((path) => !places.split(" ").includes(path))
      .filter((path) => pattern.test(withoutComments(read(path))));
    assertEquals(elsewhere, []);
  });
}

function withoutComments(source: string): string {
  return source.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/^\s*\/\/.*$/gm, "");
}

Deno.test("no lint rule and no type error is silenced", () => {
  const all = [...program, ...sourceFiles("tests/"), ...sourceFiles("tools/")];
  const silencer = new RegExp("(deno-lint|@ts)-(ignore|expect-error|nocheck)");
  assertEquals(all.filter((path) => silencer.test(read(path))), []);
});

Deno.test("each mutant of the simulation finds once what it changes", () => {
  for (const mutant of MUTANTS) {
    const source = read(`lib/${mutant.at.split("#", 1)}`);
    assertNotEquals(changed(source, mutant), source);
  }
});

Deno.test("both ways to the std packages name the same imports", () => {
  const { imports } = JSON.parse(read("deno.json"));
  const { imports: mapped } = JSON.parse(read("tools/std/import_map.json"));
  assertEquals(Object.keys(mapped), Object.keys(imports));
  const npmOnly = (map: Record<string, string>) =>
    Object.entries(map).filter(([name]) => !name.startsWith("@std/"));
  assertEquals(npmOnly(mapped), npmOnly(imports));
});
