import { assertEquals } from "@std/assert";
import { shellExists } from "../../../lib/hooks/words.ts";

Deno.test("shellExists() finds this system's shell", () => {
  assertEquals(shellExists(), true);
});

Deno.test("shellExists() is false where there is none, or no program of the name", () => {
  assertEquals(shellExists("/bin/no-such-shell"), false);
  assertEquals(shellExists("/etc/passwd/sh"), false);
  assertEquals(shellExists("/etc/passwd"), false);
  assertEquals(shellExists("/bin"), false);
});

Deno.test({
  name: "shellExists() takes a shell that it may not look for to be there",
  permissions: { read: [import.meta.dirname ?? ""] },
  fn: () => assertEquals(shellExists(), true),
});
