import { assertEquals } from "@std/assert";
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
  if (one.kind === "string" && one.fallback !== undefined) return `\`$${one.fallback}\``;
  return one.default === undefined || one.kind === "port" ? "" : `\`${one.default}\``;
}

function meaningOf(one: Flag): string {
  return one.help + (one.kind === "string" && one.list === true ? " (may be repeated)" : "");
}

Deno.test("the README's table of flags is the one of the code", () => {
  const expected = flagRows();
  assertEquals(
    tableAfter("README.md", "<!-- flags:"),
    expected,
    "the rows to paste (then run `deno fmt`):\n" +
      expected.map((row) => `| ${row.join(" | ")} |`).join("\n"),
  );
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
