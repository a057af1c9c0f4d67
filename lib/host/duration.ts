/**
 * Time spans: how the program counts them, and how people write and read them. The syntax is that of
 * Go's `time.ParseDuration` and `Duration.String` (time/format.go, time/time.go), so that a manifest
 * written for the original program means the same here.
 */

/** A time span or a moment. All code past the command line counts time in milliseconds. */
export type Milliseconds = number;

/** The units, in nanoseconds. The micro sign and the Greek letter mu mean the same. */
const UNITS: ReadonlyMap<string, bigint> = new Map([
  ["ns", 1n],
  ["us", 1_000n],
  ["\u00b5s", 1_000n],
  ["\u03bcs", 1_000n],
  ["ms", 1_000_000n],
  ["s", 1_000_000_000n],
  ["m", 60_000_000_000n],
  ["h", 3_600_000_000_000n],
]);

/** A number with its unit. */
const TERM = new RegExp(
  `(?=\\.?[0-9])([0-9]*)(?:\\.([0-9]*))?(${[...UNITS.keys()].join("|")})(?=[0-9.]|$)`,
  "gy",
);

/** Go holds a duration in a signed 64-bit number; its magnitude may reach this when negative. */
const LIMIT = 2n ** 63n;

/**
 * Reads a duration as Go does: `300ms`, `1h2m3.5s`, `-1.5h`, `0`.
 * @returns Nanoseconds, cut off below one; undefined: it is none, or does not fit into 64 bits.
 */
export function parseDuration(text: string): bigint | undefined {
  const isNegative = text.startsWith("-");
  const terms = text.replace(/^[+-]/, "");
  if (terms === "0") return 0n;
  let sum = 0n;
  let length = 0;
  for (const [term, whole = "", fraction = "", unit = ""] of terms.matchAll(TERM)) {
    const size = UNITS.get(unit) ?? 0n;
    sum += BigInt(whole) * size + fractionOf(fraction, size);
    length += term.length;
  }
  if (terms === "" || length < terms.length) return undefined;
  if (isNegative) return sum > LIMIT ? undefined : -sum;
  return sum >= LIMIT ? undefined : sum;
}

/** Go reckons the fraction in floating point, and drops the digits that its integer cannot hold. */
function fractionOf(digits: string, length: bigint): bigint {
  let numerator = 0n;
  let scale = 1;
  for (const digit of digits) {
    const next = numerator * 10n + BigInt(digit);
    if (next > LIMIT) break;
    numerator = next;
    scale *= 10;
  }
  return BigInt(Math.trunc(Number(numerator) * (Number(length) / scale)));
}

/**
 * Writes a duration as Go does: `1.5s`, `5m0s`, `1h0m0s`, `412ms`, `0s`; `parseDuration` reads it
 * back without loss.
 * @param ns Nanoseconds.
 */
export function formatDuration(ns: bigint): string {
  if (ns < 0n) return "-" + formatDuration(-ns);
  if (ns === 0n) return "0s";
  if (ns < 1_000n) return `${ns}ns`;
  if (ns < 1_000_000n) return `${decimal(ns, 3)}\u00b5s`;
  if (ns < 1_000_000_000n) return `${decimal(ns, 6)}ms`;
  const minutes = ns / 60_000_000_000n;
  const seconds = `${decimal(ns % 60_000_000_000n, 9)}s`;
  if (minutes === 0n) return seconds;
  return minutes < 60n ? `${minutes}m${seconds}` : `${minutes / 60n}h${minutes % 60n}m${seconds}`;
}

/** `value / 10 ** places`, exactly, without trailing zeros. */
function decimal(value: bigint, places: number): string {
  const digits = value.toString().padStart(places + 1, "0");
  return `${digits.slice(0, -places)}.${digits.slice(-places)}`.replace(/\.?0+$/, "");
}

/**
 * A time span for the log, in Go's format: to the millisecond from one second on (`1.234s`,
 * `5m0s`), to three digits below (`412ms`, `4.61ms`).
 */
export function durationText(time: Milliseconds): string {
  const rounded = Math.abs(time) < 1_000 ? Number(time.toPrecision(3)) : Math.round(time);
  return formatDuration(BigInt(Math.round(rounded * 1_000_000)));
}
