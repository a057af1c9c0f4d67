import { assertEquals, assertThrows } from "@std/assert";
import { recordOf, withRecordedBars } from "../../bench/recorded.ts";
import { type Bar, isMet, rowOf } from "../../bench/report.ts";
import { pairwiseRatios, quantile } from "../../bench/statistics.ts";

Deno.test("quantile() agrees with R and NumPy, sorts by number, and leaves the samples alone", () => {
  // numpy.quantile([15, 20, 35, 40, 50], [0, 0.125, 0.25, 0.875, 1])
  const samples = [50, 15, 40, 20, 35];
  const shares = [0, 0.125, 0.25, 0.875, 1];
  assertEquals(shares.map((share) => quantile(samples, share)), [15, 17.5, 20, 45, 50]);
  assertEquals(samples, [50, 15, 40, 20, 35]);
  assertEquals(quantile([10, 9, 100], 0.5), 10);
  for (const share of [-0.5, 1.5]) assertThrows(() => quantile([1, 2], share), RangeError);
  assertThrows(() => quantile([], 0.5), RangeError, "of 0 samples");
});

Deno.test("pairwiseRatios() compares within each round, and leaves out where one is missing", () => {
  assertEquals(pairwiseRatios([2, 20, 3], [1, 10, 2]), [2, 2, 1.5]);
  assertEquals(pairwiseRatios([2, undefined, 3, 4], [1, 10, undefined]), [2]);
});

const MEMORY = { measure: "resident memory", unit: "MB", program: "sidecar" } as const;

Deno.test("isMet() takes the ratio or the amount; what was not measured does not meet its bar", () => {
  const met = (own: number[], floor: number[], bar?: Bar) =>
    isMet(rowOf({ ...MEMORY, bar }, own, floor));
  const both = { ratio: 1.5, atMost: 5 };
  assertEquals([met([15], [10], both), met([5], [1], both), met([5.1], [1], both)], [
    ...[true, true],
    false,
  ]);
  assertEquals([met([1], [0.5], { ratio: 1.5 }), met([], [], both)], [false, false]);
  assertEquals(met([1], [1]), undefined);
});

Deno.test("a short run fails a quarter above what was recorded, and for what was not", () => {
  const rows = (own: number) => [rowOf(MEMORY, [own], [1])];
  const met = (own: number, recorded: Record<string, number>) =>
    withRecordedBars(rows(own), recorded).map(isMet);
  assertEquals(recordOf([...rows(2), rowOf({ ...MEMORY, measure: "another" }, [3], [1])]), {
    "sidecar: resident memory": 2,
  });
  assertEquals([
    met(1.25, { "sidecar: resident memory": 1 }),
    met(1.26, { "sidecar: resident memory": 1 }),
  ], [
    [true],
    [false],
  ]);
  assertEquals(met(1, {}), [false]);
  assertThrows(() => met(1, { "sidecar: other": 1 }), Error, "not measured: sidecar: other");
});
