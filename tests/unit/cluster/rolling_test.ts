import { assertEquals, assertThrows } from "@std/assert";
import { countOf, fences, newCount, oldCounts } from "../../cluster/rolling.ts";

for (
  const [replicas, maxSurge, maxUnavailable, expected] of [
    [3, "25%", "25%", [1, 0]],
    [4, "25%", "25%", [1, 1]],
    [10, "25%", "25%", [3, 2]],
    [10, 2, 3, [2, 3]],
    // Nothing could move if both stayed 0.
    [3, 0, "25%", [0, 1]],
  ] as const
) {
  Deno.test(`of ${replicas} pods, maxSurge ${maxSurge} rounds up and maxUnavailable ${maxUnavailable} down: ${expected}`, () => {
    const limits = fences(replicas, maxSurge, maxUnavailable);
    assertEquals([limits.maxSurge, limits.maxUnavailable], [...expected]);
  });
}

Deno.test("countOf() refuses what is neither a number nor a percentage", () => {
  assertThrows(() => countOf("many", 3, Math.ceil), RangeError, "many");
});

Deno.test("the new set grows by as much as the surge leaves room for", () => {
  const limits = { replicas: 3, maxSurge: 1, maxUnavailable: 0 };
  const all = (wanted: number) => ({ wanted, available: wanted });
  assertEquals(newCount(limits, all(0), [all(3)]), 1);
  assertEquals(newCount(limits, all(1), [all(3)]), 1);
  assertEquals(newCount(limits, all(1), [all(1)]), 3);
  assertEquals(newCount(limits, all(0), []), 3);
  assertEquals(newCount(limits, all(5), []), 3);
});

Deno.test("old sets shrink while enough pods are available, unavailable pods first, the oldest set first", () => {
  const limits = { replicas: 4, maxSurge: 1, maxUnavailable: 1 };
  const set = (wanted: number, available: number) => ({ wanted, available });
  assertEquals(oldCounts(limits, set(1, 0), [set(4, 4)]), [3]);
  assertEquals(oldCounts(limits, set(1, 0), [set(3, 3)]), [3]);
  assertEquals(oldCounts(limits, set(2, 1), [set(3, 3)]), [2]);
  // What is new and not available yet counts against what may be missing.
  assertEquals(oldCounts(limits, set(1, 0), [set(4, 2)]), [3]);
  // The pod that is not available costs nothing to lose.
  assertEquals(oldCounts(limits, set(1, 1), [set(2, 2), set(2, 1)]), [1, 1]);
  assertEquals(oldCounts(limits, set(4, 4), [set(1, 1)]), [0]);
});
