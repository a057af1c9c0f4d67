import { assertEquals } from "@std/assert";
import { PROPERTIES } from "./main.ts";

/** A small share; `deno task run tests/property/main.ts --runs N` tries as many as one likes. */
const RUNS = 300;

for (const { name, weight, check } of PROPERTIES) {
  Deno.test(`for ${weight < 1 ? "a few" : RUNS} inputs: ${name}`, async () => {
    assertEquals(await check(weight < 1 ? 10 : RUNS, 1), undefined);
  });
}
