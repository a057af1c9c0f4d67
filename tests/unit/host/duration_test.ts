import { assertEquals, assertThrows } from "@std/assert";
import {
  DurationSyntaxError,
  durationText,
  formatDuration,
  milliseconds,
  parseDuration,
} from "../../../lib/host/duration.ts";
import vectors from "../../data/go/go_duration.json" with { type: "json" };

for (const { input, nanoseconds, text, error } of vectors) {
  Deno.test(`parseDuration() says what Go says of ${JSON.stringify(input)}`, () => {
    if (nanoseconds === null) {
      const thrown = assertThrows(() => parseDuration(input), DurationSyntaxError);
      assertEquals(thrown.message, error);
      return;
    }
    const ns = BigInt(nanoseconds);
    assertEquals(parseDuration(input), ns);
    assertEquals(formatDuration(ns), text);
    assertEquals(parseDuration(formatDuration(ns)), ns);
  });
}

Deno.test("parseDuration() accepts the shortest and the longest duration of 64 bits, and no more", () => {
  assertEquals(parseDuration("-9223372036854775808ns"), -(2n ** 63n));
  assertEquals(parseDuration("9223372036854775807ns"), 2n ** 63n - 1n);
  for (
    const text of [
      "9223372036854775808ns",
      "-9223372036854775809ns",
      "9223372036854775807ns1ns",
      "2562047h47m16.854775808s",
    ]
  ) {
    const { message } = assertThrows(() => parseDuration(text), DurationSyntaxError);
    assertEquals(message, `time: invalid duration "${text}"`);
  }
});

Deno.test("parseDuration() cuts a fraction off below a nanosecond, however long it is", () => {
  assertEquals(parseDuration("0.33333333333333333333333333s"), 333_333_333n);
  assertEquals(parseDuration(`0.${"3".repeat(400)}s`), 333_333_333n);
  assertEquals(parseDuration("1.9ns"), 1n);
});

Deno.test("parseDuration() complains of the first thing that is wrong", () => {
  const messageOf = (text: string) =>
    assertThrows(() => parseDuration(text), DurationSyntaxError).message;
  assertEquals(
    messageOf("99999999999999999999x"),
    'time: invalid duration "99999999999999999999x"',
  );
  assertEquals(messageOf("1..5s"), 'time: missing unit in duration "1..5s"');
  assertEquals(messageOf("1x2"), 'time: unknown unit "x" in duration "1x2"');
  assertEquals(messageOf("-"), 'time: invalid duration "-"');
});

Deno.test("parseDuration() quotes as package time does: each byte beyond ASCII by itself", () => {
  const { message } = assertThrows(() => parseDuration('5"\\\u00b5\x7f'), DurationSyntaxError);
  assertEquals(
    message,
    'time: unknown unit "\\"\\\\\\xc2\\xb5\x7f" in duration "5\\"\\\\\\xc2\\xb5\x7f"',
  );
});

Deno.test("formatDuration() takes the largest fitting unit below a second", () => {
  assertEquals(formatDuration(0n), "0s");
  assertEquals(formatDuration(1n), "1ns");
  assertEquals(formatDuration(999n), "999ns");
  assertEquals(formatDuration(1_000n), "1\u00b5s");
  assertEquals(formatDuration(1_500n), "1.5\u00b5s");
  assertEquals(formatDuration(999_999n), "999.999\u00b5s");
  assertEquals(formatDuration(1_000_000n), "1ms");
  assertEquals(formatDuration(100_000_000n), "100ms");
});

Deno.test("formatDuration() writes hours, minutes and seconds from a second on, and all lower ones", () => {
  assertEquals(formatDuration(1_000_000_000n), "1s");
  assertEquals(formatDuration(59_999_999_999n), "59.999999999s");
  assertEquals(formatDuration(60_000_000_000n), "1m0s");
  assertEquals(formatDuration(3_600_000_000_000n), "1h0m0s");
  assertEquals(formatDuration(-90_000_000_000n), "-1m30s");
  assertEquals(formatDuration(-(2n ** 63n)), "-2562047h47m16.854775808s");
});

Deno.test("milliseconds() keeps what is below one as a fraction", () => {
  assertEquals(milliseconds(parseDuration("5m")), 300_000);
  assertEquals(milliseconds(1_500n), 0.0015);
  assertEquals(milliseconds(-1_000_000n), -1);
});

const TEXTS: readonly (readonly [number, string])[] = [
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

for (const [time, text] of TEXTS) {
  Deno.test(`durationText() writes ${time} ms as ${text}`, () => {
    assertEquals(durationText(time), text);
  });
}
