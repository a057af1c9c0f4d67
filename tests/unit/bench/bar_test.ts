import { assertEquals } from "@std/assert";
import { judge } from "../../bench/bar.ts";

const BAR = { ratio: 1.5, milliseconds: 5 };

function met(sidecar: number, ratio: number): boolean {
  const summary = (median: number) => ({ count: 1, median, p10: median, p90: median });
  const figures = { sidecar: summary(sidecar), floor: summary(sidecar / ratio), ratio };
  return judge("it", figures, BAR).met;
}

Deno.test("judge() is content with either the ratio or the time", () => {
  assertEquals([met(20, 1.5), met(5, 3), met(4, 1.2)], [true, true, true]);
});

Deno.test("judge() says that a bar is not met where both are over it", () => {
  assertEquals(met(5.01, 1.51), false);
});

Deno.test("judge() says the figures and the bar in one line", () => {
  const sidecar = { count: 30, median: 3.14, p10: 2, p90: 4 };
  const floor = { count: 30, median: 1.94, p10: 1, p90: 3 };
  assertEquals(
    judge("sigterm_to_deregister", { sidecar, floor, ratio: 1.62 }, BAR).line,
    "sigterm_to_deregister median 3.1 ms, bare fetch 1.9 ms, ratio 1.62 " +
      "(bar: ≤ 1.5 or ≤ 5 ms): met",
  );
});
