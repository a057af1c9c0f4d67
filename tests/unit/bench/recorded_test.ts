import { assertEquals } from "@std/assert";
import { compare, ratiosOf } from "../../bench/recorded.ts";
import { resultOf } from "../../bench/results.ts";

function met(now: number, before: number): boolean[] {
  return compare({ start: now }, { start: before }).map(({ met }) => met);
}

Deno.test("compare() lets a ratio be a quarter over the recorded one, and no more", () => {
  assertEquals([met(1.25, 1), met(1.26, 1), met(0.5, 1)], [[true], [false], [true]]);
});

Deno.test("compare() fails for what is recorded but was not measured, and the other way round", () => {
  const lines = compare({ added: 1 }, { dropped: 1 }).map(({ met, line }) => [met, line]);
  assertEquals(lines, [
    [false, "dropped: not measured: NOT met"],
    [false, "added: not recorded: run with --record: NOT met"],
  ]);
});

Deno.test("ratiosOf() is of the sidecar, to the floor of each measure, round by round", () => {
  const samples = new Map([["sidecar", [2, 30, 4]], ["empty", [1, 10, 2]], ["peer", [9, 9, 9]]]);
  const result = resultOf({ measure: "memory", unit: "MB", floor: "empty" }, samples);
  const time = resultOf({ measure: "start", unit: "ms", floor: "empty" }, samples);
  assertEquals(ratiosOf([result, time]), { memory: 2 });
});
