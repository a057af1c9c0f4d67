import { assertEquals, assertThrows } from "@std/assert";
import { pairwiseRatios, quantile, summarize } from "../../bench/statistics.ts";

Deno.test("quantile() of an odd number of samples is one of them, whatever their order", () => {
  assertEquals(quantile([30, 1, 2], 0.5), 2);
});

Deno.test("quantile() of an even number of samples lies between two of them", () => {
  assertEquals(quantile([4, 1, 3, 2], 0.5), 2.5);
});

Deno.test("quantile() agrees with R and NumPy", () => {
  // numpy.quantile([15, 20, 35, 40, 50], [0.125, 0.25, 0.875])
  const samples = [15, 20, 35, 40, 50];
  assertEquals([0.125, 0.25, 0.875].map((share) => quantile(samples, share)), [17.5, 20, 45]);
});

Deno.test("quantile() of the shares 0 and 1 is the least and the most", () => {
  assertEquals([quantile([3, 1, 2], 0), quantile([3, 1, 2], 1)], [1, 3]);
});

Deno.test("quantile() sorts by number, and leaves the samples as they are", () => {
  const samples = [10, 9, 100];
  assertEquals(quantile(samples, 0.5), 10);
  assertEquals(samples, [10, 9, 100]);
});

Deno.test("quantile() throws where there is nothing to choose from", () => {
  assertThrows(() => quantile([], 0.5), RangeError, "of 0 samples");
  assertThrows(() => quantile([1, 2], 1.5), RangeError, "quantile 1.5");
  assertThrows(() => quantile([1, 2], -0.5), RangeError, "quantile -0.5");
});

Deno.test("summarize() gives the middle and the spread", () => {
  const samples = Array.from({ length: 11 }, (_, index) => index);
  assertEquals(summarize(samples), { count: 11, median: 5, p10: 1, p90: 9 });
});

Deno.test("summarize() of one sample is that sample", () => {
  assertEquals(summarize([7]), { count: 1, median: 7, p10: 7, p90: 7 });
});

Deno.test("summarize() has nothing to say of no samples", () => {
  assertEquals(summarize([]), undefined);
});

Deno.test("pairwiseRatios() compares within each round, not across rounds", () => {
  assertEquals(pairwiseRatios([2, 20, 3], [1, 10, 2]), [2, 2, 1.5]);
});

Deno.test("pairwiseRatios() leaves out the rounds in which a sample is missing", () => {
  assertEquals(pairwiseRatios([2, undefined, 3], [1, 10, undefined]), [2]);
  assertEquals(pairwiseRatios([2, 4], [1]), [2]);
});
