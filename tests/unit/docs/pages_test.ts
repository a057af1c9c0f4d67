import { assertEquals } from "@std/assert";
import { FLAGS } from "../../../lib/config/flags.ts";
import { blocksOf, commandsOf, PAGES, read, tableAfter, urlOf } from "./_docs.ts";

/** A page without its fenced blocks. */
function prose(page: string): string {
  return read(page).replaceAll(/^```[\s\S]*?^```$/gm, "");
}

/** As GitHub makes them. */
function anchorsOf(page: string): string[] {
  return [...prose(page).matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
    title.toLowerCase().replaceAll(/[^\p{L}\p{N}\p{M}_\- ]/gu, "").replaceAll(" ", "-")
  );
}

function exists(path: string): boolean {
  try {
    Deno.statSync(urlOf(path));
    return true;
  } catch {
    return false;
  }
}

/** The links of a page to files here, as path and anchor. */
function linksOf(page: string): { link: string; path: string; anchor: string | undefined }[] {
  return [...prose(page).matchAll(/\]\(([^)]+)\)/g)].map(([, link = ""]) => link)
    .filter((link) => !/^https?:/.test(link))
    .map((link) => {
      const [path = "", anchor] = link.split("#");
      const target = path === "" ? page : new URL(path, `file:///${page}`).pathname.slice(1);
      return { link, path: target, anchor };
    });
}

Deno.test("every relative link of the docs leads somewhere", () => {
  const broken = PAGES.flatMap((page) =>
    linksOf(page)
      .filter(({ path, anchor }) =>
        !exists(path) || (anchor !== undefined && !anchorsOf(path).includes(anchor))
      )
      .map(({ link }) => `${page}: ${link}`)
  );
  assertEquals(broken, []);
});

Deno.test("every page can be reached from the README by links", () => {
  const reached = new Set<string>();
  const visit = (page: string) => {
    if (reached.has(page) || !PAGES.includes(page)) return;
    reached.add(page);
    for (const { path } of linksOf(page)) visit(path);
  };
  visit("README.md");
  assertEquals(PAGES.filter((page) => !reached.has(page)), []);
});

Deno.test("no Mermaid diagram holds a semicolon, which ends a statement anywhere in it", () => {
  const diagrams = PAGES.flatMap(blocksOf).filter(({ language }) => language === "mermaid");
  assertEquals(diagrams.filter(({ text }) => text.includes(";")), []);
});

/** What a pattern's first group matches anywhere in the docs. */
function named(pattern: RegExp): string[] {
  return PAGES.flatMap((page) => [...read(page).matchAll(pattern)].map(([, name = ""]) => name));
}

const { tasks } = JSON.parse(read("deno.json"));

Deno.test("tasks, scripts and flags that the docs name exist", () => {
  const unknownTasks = named(/(?:deno|deno@[\d.]+) task ([a-z][a-z:]*)/g)
    .filter((name) => !Object.hasOwn(tasks, name));
  const scripts = tableAfter("docs/development.md", "| `deno task run …`")
    .map(([path = ""]) => path.replaceAll("`", ""));
  const missing = [...named(/deno task (?:run|test) ([\w./]+\.ts)/g), ...scripts]
    .filter((path) => !exists(path));
  const unknownFlags = named(/`-([a-z]+(?:-[a-z]+)+)[ =`]/g)
    .filter((name) => !Object.hasOwn(FLAGS, name));
  assertEquals([...unknownTasks, ...missing, ...unknownFlags], []);
});

Deno.test("docs/development.md lists every task of deno.json", () => {
  const rows = tableAfter("docs/development.md", "## Tasks").map(([name = ""]) =>
    name.replaceAll("`", "")
  );
  assertEquals(rows.sort(), Object.keys(tasks).sort());
});

/** Commands that nothing runs, and why not. */
const NOT_RUN: readonly [RegExp, string][] = [
  [/^aws elbv2 /, "needs an AWS account"],
  [/^kubectl /, "needs a cluster"],
  [/^helm /, "apply_test.ts runs it, where there is a Helm"],
  [/^(STD_SOURCE=jsr )?deno task (test|check)$/, "the CI runs it, by npx"],
  [/^deno (task )?test .*tests\/unit/, "a part of what the task test runs"],
  [
    /^deno task (bench|run tests\/bench\/idle.ts)( --[a-z]+( \S+)?)?$/,
    "takes minutes",
  ],
  [/^deno task simulate /, "the CI runs it, with fewer schedules"],
  [/^deno task run tools\/mutate.ts/, "runs most of the tests, again and again"],
  [/^deno task run tests\/simulation\/mutants\/main.ts/, "takes half an hour"],
  [/^deno task run tests\/rollout\/rollout.ts /, "takes a minute; the CI runs a short one"],
  [
    /^deno (install|outdated|check --import-map|task run tools\/update_sdk.ts)/,
    "changes the lock file",
  ],
  [/^(curl|gh|docker buildx) |^sha256sum |^chmod |^\.\/k8s-/, "needs a published release"],
  [/^deno run -A deploy\/measure\/measure.ts /, "tests/e2e/measure_test.ts runs it"],
  [/^docker build /, "tests/image/checks.ts builds it, by buildah"],
  [
    /^deno task (compile|run tools\/(release|test_forms).ts|test tests\/image)/,
    "a job of the workflow runs it",
  ],
];

/** Commands that tests of the docs run as they stand there. */
const LOCAL_USE = [
  "deno task emulator ",
  "deno task start ",
  "export AWS_ACCESS_KEY_ID=",
  "deno run --no-prompt ",
  ...["git clone ", "cd ", "cp -r ", "perl "],
];

Deno.test("every command of the docs is run by CI or by a test, or has a reason not to be", () => {
  const ci = read(".ci/run").replaceAll("npx -y deno@2.9.6 ", "deno ");
  const unaccounted = PAGES.flatMap((page) =>
    commandsOf(page).map((line) => line.replace("npx -y deno@2.9.6 ", "deno "))
      .filter((line) => !ci.split("\n").some((step) => step.endsWith(` ${line}`)))
      .filter((line) => !LOCAL_USE.some((start) => line.startsWith(start)))
      .filter((line) => !NOT_RUN.some(([pattern]) => pattern.test(line)))
      .map((line) => `${page}: ${line}`)
  );
  assertEquals(unaccounted, []);
});

/** Left-overs, places of one machine, and boasts. */
const FORBIDDEN =
  /\b(TODO|FIXME|XXX|TBD|lorem)\b|\/(?:work|root|home)\/\w|\b(blazing|seamless(?:ly)?|effortless(?:ly)?|world-class|cutting-edge|robust|simply)\b|\p{Extended_Pictographic}/giu;

Deno.test("the docs hold no left-overs, no places of one machine, no boasts", () => {
  const found = PAGES.flatMap((page) =>
    [...read(page).matchAll(FORBIDDEN)].map(([word]) => `${page}: ${word}`)
  );
  assertEquals(found, []);
});

Deno.test("the README's first screen has exactly the two commands", () => {
  const firstScreen = read("README.md").indexOf("\n## ");
  const commands = blocksOf("README.md").filter(({ at }) => at < firstScreen)
    .flatMap(({ text }) => text.trim().split("\n"));
  assertEquals(commands, ["npx -y deno@2.9.6 task demo", "npx -y deno@2.9.6 task test"]);
});

Deno.test("all pages and CI ask for one version of Deno", () => {
  const versions = [...PAGES, ".ci/run"].flatMap((page) =>
    read(page).match(/deno@[\d.]+\d/g) ?? []
  );
  assertEquals([...new Set(versions)], ["deno@2.9.6"]);
});
