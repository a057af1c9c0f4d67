import { assertEquals } from "@std/assert";
import { readable, word } from "../../../lib/aws/redact.ts";

const LONG = "word ".repeat(1_000);

Deno.test("a message from outside becomes one line of at most 500 characters", () => {
  assertEquals(readable(LONG), LONG.slice(0, 499));
  assertEquals(readable("x y".repeat(10_000)), "x y".repeat(10_000).slice(0, 500).trimEnd());
  assertEquals(readable("  one.\nand another\r\nline"), "one");
  assertEquals(readable(`${"x".repeat(99)} ${"y".repeat(100)}`), `${"x".repeat(99)} …`);
  assertEquals(readable(`${"-".repeat(90)} `.repeat(30)).length, 500);
});

Deno.test("a code from outside becomes one word of at most 64 characters", () => {
  assertEquals(word("Access Denied!"), "AccessDenied");
  assertEquals(word("x".repeat(100)), "x".repeat(64));
  assertEquals(word("<>"), "Unknown");
});
