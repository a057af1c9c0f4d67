import { assertEquals } from "@std/assert";
import { judge } from "../../bench/bar.ts";

const ABOUT = { measure: "SIGTERM → DeregisterTargets", unit: "ms", floor: "bare fetch" };
const BAR = { ratio: 1.5, orAtMost: 5 };

function figure(median: number, ratio: number) {
  const summary = { count: 1, median, p10: median, p90: median };
  return { program: "sidecar", summary, ratio, samples: [median] };
}

function met(median: number, ratio: number, bar: { ratio: number } = BAR): boolean {
  return judge(ABOUT, figure(median, ratio), bar).met;
}

Deno.test("judge() is content with either the ratio or the amount", () => {
  assertEquals([met(20, 1.5), met(5, 3), met(4, 1.2)], [true, true, true]);
});

Deno.test("judge() says that a bar is not met where both are over it", () => {
  assertEquals(met(5.01, 1.51), false);
});

Deno.test("judge() goes by the ratio alone where the bar has no amount", () => {
  assertEquals([met(0.1, 1.51, { ratio: 1.5 }), met(99, 1.49, { ratio: 1.5 })], [false, true]);
});

Deno.test("judge() says that what was not measured does not meet its bar", () => {
  const nothing = { program: "sidecar", summary: undefined, ratio: undefined, samples: [] };
  assertEquals(judge(ABOUT, nothing, BAR).met, false);
});

Deno.test("judge() says the figures and the bar in one line", () => {
  assertEquals(
    judge(ABOUT, figure(3.14, 1.62), BAR).line,
    "SIGTERM → DeregisterTargets: 3.1 ms, 1.62 × bare fetch (bar: ≤ 1.5 × or ≤ 5 ms): met",
  );
});
