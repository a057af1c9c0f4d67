import { assertEquals } from "@std/assert";
import { changesOf } from "../../../tools/mutate/changes.ts";

/** A piece of a program, and what becomes of it by each change. */
const CASES: Readonly<Record<string, readonly string[]>> = {
  "if (a < b) c;": ["if (a <= b) c;", "if (a >= b) c;"],
  "if (a && !b) c;": ["if (!(a && !b)) c;", "if (a || !b) c;", "if (a && b) c;"],
  "const d = a ?? b;": ["const d = a;"],
  "const d = 0 + 5;": ["const d = 0 - 5;", "const d = 1 + 5;", "const d = 0 + (5 * 10);"],
  'const text = "a" + b + `c`;': [],
  "const d: 5 = f(true);": ["const d: 5 = f(false);"],
  "await f(a, b);": [";", " f(a, b);", "await f(b, a);"],
  "const d = f(() => a, {}, b);": [],
  "const d = Math.max(a, b);": [],
  "async function f() { return await a; }": [],
  "function f(): void { g(); }": [
    "function f(): void { return; g(); }",
    "function f(): void { ; }",
  ],
  "function f() { return a; }": [],
  'log.debug("x");': [],
  "this.a = b;": [";"],
};

Deno.test("changes are made from the syntax tree: of what is run, and of nothing else", () => {
  for (const [source, expected] of Object.entries(CASES)) {
    const changed = changesOf("a.ts", source)
      .map(({ from, to, put }) => source.slice(0, from) + put + source.slice(to));
    assertEquals(changed, expected, source);
  }
});

Deno.test("each change has a name of its own, which survives changes elsewhere in the file", () => {
  const source = "function f(a) { g(a < 1); h(a < 1); }\n";
  const keys = changesOf("a.ts", source).map(({ key }) => key);
  assertEquals(new Set(keys).size, keys.length);
  assertEquals(changesOf("a.ts", `const b = 1;\n\n${source}`).slice(1).map(({ key }) => key), keys);
});
