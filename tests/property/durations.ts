/** Durations, held against an arithmetic of their own. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { DurationSyntaxError, formatDuration, parseDuration } from "../../lib/host/duration.ts";
import { anyText, type Property, property } from "./property.ts";

const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  "µs": 1_000n,
  "μs": 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

const term = fc.record({
  whole: fc.nat(99_999),
  fraction: fc.option(fc.string({ unit: fc.constantFrom(..."0123456789"), maxLength: 12 })),
  unit: fc.constantFrom(...Object.keys(UNITS)),
});

export const DURATIONS: readonly Property[] = [
  property("parseDuration() refuses in one way only", 4, anyText, (text) => {
    try {
      parseDuration(text);
    } catch (error) {
      assert(error instanceof DurationSyntaxError, String(error));
    }
  }),
  property(
    "a duration that was written is read back without loss",
    3,
    fc.bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n }),
    (ns) => assertEquals(parseDuration(formatDuration(ns)), ns),
  ),
  property(
    "a duration is the sum of its terms",
    3,
    fc.tuple(fc.constantFrom("", "-", "+"), fc.array(term, { minLength: 1, maxLength: 4 })),
    ([sign, terms]) => {
      const text = sign +
        terms.map(({ whole, fraction, unit }) =>
          `${whole}${fraction === null ? "" : `.${fraction}`}${unit}`
        ).join("");
      const sum = terms.reduce((sum, { whole, fraction, unit }) => {
        const length = UNITS[unit] ?? 0n;
        const digits = fraction ?? "";
        const part = BigInt(digits === "" ? "0" : digits) * length / 10n ** BigInt(digits.length);
        return sum + BigInt(whole) * length + part;
      }, 0n);
      const read = parseDuration(text);
      const difference = (sign === "-" ? -read : read) - sum;
      // Go reckons fractions in floating point: a nanosecond a term may be lost or won.
      const most = BigInt(terms.length);
      assert(difference <= most && difference >= -most, `${text}: off by ${difference}`);
    },
  ),
];
