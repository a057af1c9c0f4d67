import { assertEquals } from "@std/assert";
import { PERMISSION_NAMES, PERMISSIONS } from "../../../lib/host/permissions.ts";
import { tableAfter } from "./_docs.ts";

Deno.test("the page's table of permissions is the one of the code", () => {
  const expected = PERMISSION_NAMES.map((name) => [`\`${name}\``, PERMISSIONS[name].text]);
  assertEquals(tableAfter("docs/security.md", "<!-- permissions:"), expected);
});
