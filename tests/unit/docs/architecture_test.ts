import { assertEquals } from "@std/assert";
import { importsBetweenModules, MODULES, read } from "../modules.ts";
import { blocksOf, tableAfter } from "./_docs.ts";

const PAGE = "docs/architecture.md";

/** A module's name without its folder: what the diagram shows. */
function nameOf(module: string): string {
  return module.replace(/^lib\//, "").replace(/\/$/, "");
}

Deno.test("the diagram of the structure shows the imports between modules", () => {
  const edges = importsBetweenModules().map(([from, to]) => `  ${nameOf(from)} --> ${nameOf(to)}`);
  const expected = ["flowchart TB", ...edges, ""].join("\n");
  const [shown] = blocksOf(PAGE).filter(({ language }) => language === "mermaid");
  assertEquals(shown?.text, expected, `the block to paste:\n${expected}`);
});

Deno.test("the table of modules names each of them, in the order of the imports", () => {
  const rows = tableAfter(PAGE, "## Structure").map(([name = ""]) => name.replaceAll("`", ""));
  assertEquals(rows, [...MODULES]);
});

Deno.test("the page names files that exist", () => {
  const named = read(PAGE).match(/\b(?:lib|tests|tools)\/[\w/]+\.ts\b/g) ?? [];
  const missing = named.filter((path) => {
    try {
      return !Deno.statSync(path).isFile;
    } catch {
      return true;
    }
  });
  assertEquals(missing, []);
});
