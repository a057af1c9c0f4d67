import { assertEquals } from "@std/assert";
import { commandsOf, PAGES, read, tableAfter, urlOf } from "./_docs.ts";

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

Deno.test("every relative link of the docs leads somewhere", () => {
  const broken = PAGES.flatMap((page) =>
    [...prose(page).matchAll(/\]\(([^)]+)\)/g)].map(([, link = ""]) => link)
      .filter((link) => !/^https?:/.test(link))
      .filter((link) => {
        const [path = "", anchor] = link.split("#");
        const target = path === "" ? page : new URL(path, `file:///${page}`).pathname.slice(1);
        return !exists(target) || (anchor !== undefined && !anchorsOf(target).includes(anchor));
      })
      .map((link) => `${page}: ${link}`)
  );
  assertEquals(broken, []);
});

Deno.test("every page can be reached from the README by links", () => {
  const reached = new Set<string>();
  const visit = (page: string) => {
    if (reached.has(page) || !PAGES.includes(page)) return;
    reached.add(page);
    for (const [, link = ""] of prose(page).matchAll(/\]\(([^)#]+)[^)]*\)/g)) {
      visit(new URL(link, `file:///${page}`).pathname.slice(1));
    }
  };
  visit("README.md");
  assertEquals(PAGES.filter((page) => !reached.has(page)), []);
});

const { tasks } = JSON.parse(read("deno.json"));

Deno.test("every task that the docs name exists", () => {
  const named = PAGES.flatMap((page) =>
    [...read(page).matchAll(/(?:deno|deno@[\d.]+) task ([a-z][a-z:]*)/g)].map(([, name = ""]) =>
      name
    )
  );
  assertEquals([...new Set(named)].filter((name) => !Object.hasOwn(tasks, name)), []);
});

Deno.test("every script that the docs run exists", () => {
  const named = PAGES.flatMap((page) =>
    [...read(page).matchAll(/deno task (?:run|test) ([\w./]+\.ts)/g)].map(([, path = ""]) => path)
  );
  const listed = tableAfter("docs/development.md", "| `deno task run …`").map(([path = ""]) =>
    path.replaceAll("`", "")
  );
  assertEquals([...named, ...listed].filter((path) => !exists(path)), []);
});

Deno.test("every task of deno.json is told of in docs/development.md", () => {
  const rows = tableAfter("docs/development.md", "## Tasks").map(([name = ""]) =>
    name.replaceAll("`", "")
  );
  assertEquals(rows.sort(), Object.keys(tasks).sort());
});

/** Commands that nothing runs, and why not. */
const NOT_RUN: readonly [RegExp, string][] = [
  [/^aws elbv2 /, "needs an AWS account"],
  [/^kubectl /, "needs a cluster"],
  [/^(STD_SOURCE=jsr )?deno task (test|check)$/, "the CI runs it, by npx"],
  [/^deno test .*tests\/unit/, "a part of what the task test runs"],
  [
    /^deno task (bench|run tests\/bench\/idle.ts)( --[a-z]+( \S+)?)?$/,
    "takes minutes",
  ],
  [/^deno task simulate /, "the CI runs it, with fewer schedules"],
  [/^deno task run tests\/rollout\/rollout.ts /, "takes a minute; the CI runs a short one"],
  [/^deno (install|outdated|check --import-map)/, "changes the lock file"],
  [/^(curl|gh|docker buildx) |^sha256sum |^chmod |^\.\/k8s-/, "needs a published release"],
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

const MANIFESTS = [...Deno.readDirSync(urlOf("deploy/"))].filter(({ name }) =>
  name.endsWith(".yaml")
)
  .map(({ name }) => `deploy/${name}`);

Deno.test("the docs hold no left-overs, no places of one machine, no boasts", () => {
  const found = [...PAGES, ...MANIFESTS].flatMap((page) =>
    [...read(page).matchAll(FORBIDDEN)].map(([word]) => `${page}: ${word}`)
  );
  assertEquals(found, []);
});
