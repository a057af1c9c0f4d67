import { assert, assertEquals } from "@std/assert";
import type { Flag } from "../../../lib/config/flag.ts";
import { flag, FLAGS, isFlagName } from "../../../lib/config/flags.ts";
import { EXIT, EXIT_DESCRIPTIONS } from "../../../lib/host/exit.ts";
import { blocksOf, PAGES, read, tableAfter } from "./_docs.ts";

/** In the order of the table in the code. */
function flagRows(): string[][] {
  return Object.keys(FLAGS).filter(isFlagName)
    .map((name) => [`\`-${name}\``, defaultOf(flag(name)), meaningOf(flag(name))]);
}

function defaultOf(one: Flag): string {
  if (one.fallback !== undefined) return `\`$${one.fallback}\``;
  return one.default === "" ? "" : `\`${one.default}\``;
}

function meaningOf(one: Flag): string {
  return one.help + (one.list ? " (may be repeated)" : "");
}

Deno.test("docs/flags.md has a row for every flag, as the code declares it", () => {
  const expected = flagRows();
  assertEquals(
    tableAfter("docs/flags.md", "<!-- flags:"),
    expected,
    "the rows to paste (then run `deno fmt`):\n" +
      expected.map((row) => `| ${row.join(" | ")} |`).join("\n"),
  );
});

/** The rows of the README's table that the other table does not have. */
function strays(marker: string, others: readonly (readonly string[])[]): string[] {
  const rows = tableAfter("README.md", marker).map((row) => row.join(" | "));
  assert(rows.length > 0);
  return rows.filter((row) => !others.some((other) => other.join(" | ") === row));
}

Deno.test("the README's ten flags are described as in docs/flags.md", () => {
  assertEquals(tableAfter("README.md", "<!-- flags:").length, 10);
  assertEquals(strays("<!-- flags:", flagRows()), []);
});

Deno.test("the README compares strategies by the figures of docs/rollout.md", () => {
  const measured = tableAfter("docs/rollout.md", "## Strategies").map((row) => row.slice(0, 4));
  assertEquals(strays("<!-- compared:", measured), []);
});

Deno.test("the README's table of exit codes is the one of the code", () => {
  const descriptions: Readonly<Record<string, string>> = EXIT_DESCRIPTIONS;
  const expected = Object.entries(EXIT).map(([name, code]) => [String(code), descriptions[name]]);
  assertEquals(tableAfter("README.md", "<!-- exit codes:"), expected);
});

Deno.test("the README's first screen has exactly the two commands", () => {
  const firstScreen = read("README.md").indexOf("\n## ");
  const commands = blocksOf("README.md").filter(({ at }) => at < firstScreen)
    .map(({ text }) => text.trim());
  assertEquals(commands, ["npx -y deno@2.9.6 task demo", "npx -y deno@2.9.6 task test"]);
});

Deno.test("no page names a flag that does not exist", () => {
  const named = PAGES.flatMap((page) =>
    [...read(page).matchAll(/`(-[a-z]+(?:-[a-z]+)+)[ =`]/g)].map(([, name = ""]) => name)
  );
  const unknown = named.filter((name) => !Object.hasOwn(FLAGS, name.slice(1)));
  assertEquals(unknown, []);
});

Deno.test("all pages and CI ask for one version of Deno", () => {
  const versions = [...PAGES, ".ci/run"].flatMap((page) =>
    read(page).match(/deno@[\d.]+\d/g) ?? []
  );
  assertEquals([...new Set(versions)], ["deno@2.9.6"]);
});
