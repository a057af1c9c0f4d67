/** The table of rules in `tests/cluster/README.md` against the tests. */
import { assert, assertEquals } from "@std/assert";
import { tableAfter } from "../docs/_docs.ts";

const HERE = new URL("./", import.meta.url);

/** Where rules of Kubernetes are tested; the other files test what is of this cluster alone. */
const FILES = ["start", "environment", "probes", "restarts", "termination", "message", "rollout"]
  .concat("eviction");

function testsOf(file: string): string[] {
  const source = Deno.readTextFileSync(new URL(`${file}_test.ts`, HERE));
  return [...source.matchAll(/Deno\.test\(\s*"((?:[^"\\]|\\.)*)"/g)].map(([, name = ""]) => name);
}

const rows = tableAfter("tests/cluster/README.md", "## Rules");

Deno.test("each rule in the README has a test of that name, and each such test is a rule there", () => {
  assertEquals(rows.map(([rule]) => rule).sort(), FILES.flatMap(testsOf).sort());
});

Deno.test("each rule names its source", () => {
  for (const [rule, source = ""] of rows) {
    assert(/`(docs|pkg|third_party)\/[\w/.-]+\.(md|go)`|README/.test(source), rule);
  }
});
