/** The table of rules in `tests/cluster/README.md` against the tests. */
import { assert, assertEquals } from "@std/assert";
import { tableAfter } from "../docs/_docs.ts";

Deno.test("each rule of Kubernetes in the README names its source, and a test file of this folder", () => {
  const rows = tableAfter("tests/cluster/README.md", "## Rules");
  assert(rows.length > 20);
  for (const [rule = "", source = "", file = ""] of rows) {
    assert(
      /`(docs|pkg|third_party)\/[\w/.-]+\.(md|go)`|kubernetes #\d+|measured/.test(source),
      rule,
    );
    const name = `tests/unit/cluster/${file.replaceAll("`", "")}`;
    assertEquals(Deno.statSync(name).isFile, true, rule);
  }
});
