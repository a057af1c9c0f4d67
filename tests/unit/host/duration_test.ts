import { assertEquals } from "@std/assert";
import { durationText, formatDuration, parseDuration } from "../../../lib/host/duration.ts";
import vectors from "../../data/go/go_duration.json" with { type: "json" };

Deno.test("parseDuration() and formatDuration() read and write as Go does", () => {
  for (const { input, nanoseconds, text } of vectors) {
    const ns = nanoseconds === null ? undefined : BigInt(nanoseconds);
    assertEquals(parseDuration(input), ns, input);
    if (ns === undefined) continue;
    assertEquals(formatDuration(ns), text);
    assertEquals(parseDuration(formatDuration(ns)), ns);
  }
});

/** Beyond what was recorded: limits, long fractions, the largest fitting unit. */
const EDGES: readonly (readonly [input: string, ns: bigint, text?: string])[] = [
  ["-9223372036854775808ns", -(2n ** 63n), "-2562047h47m16.854775808s"],
  ["9223372036854775807ns", 2n ** 63n - 1n],
  ["0.33333333333333333333333333s", 333_333_333n],
  [`0.${"3".repeat(400)}s`, 333_333_333n],
  ["1.9ns", 1n, "1ns"],
  ["999ns", 999n, "999ns"],
  ["1500ns", 1_500n, "1.5\u00b5s"],
  ["999999ns", 999_999n, "999.999\u00b5s"],
  ["100ms", 100_000_000n, "100ms"],
  ["59999999999ns", 59_999_999_999n, "59.999999999s"],
  ["60s", 60_000_000_000n, "1m0s"],
  ["60m", 3_600_000_000_000n, "1h0m0s"],
];

Deno.test("parseDuration() and formatDuration() hold at their limits", () => {
  for (const [input, ns, text = formatDuration(ns)] of EDGES) {
    assertEquals([parseDuration(input), formatDuration(ns)], [ns, text], input);
  }
  const invalid = [
    ...["9223372036854775808ns", "-9223372036854775809ns", "9223372036854775807ns1ns"],
    ...["2562047h47m16.854775808s", "99999999999999999999x", "-", "1..5s", "1x2", "5 s"],
  ];
  for (const text of invalid) assertEquals(parseDuration(text), undefined, text);
});

Deno.test("durationText() writes three digits below a second, milliseconds above", () => {
  const texts: readonly (readonly [number, string])[] = [
    [0, "0s"],
    [300_000, "5m0s"],
    [1_234.4, "1.234s"],
    [1_234.6, "1.235s"],
    [412.345, "412ms"],
    [4.6149, "4.61ms"],
    [0.5, "500\u00b5s"],
    [999.9, "1s"],
    [59_999.7, "1m0s"],
    [-1_500.2, "-1.5s"],
  ];
  for (const [time, text] of texts) assertEquals(durationText(time), text);
});
