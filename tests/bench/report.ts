/** From samples to the rows of a table, and whether each is good enough. */
import { pairwiseRatios, quantile } from "./statistics.ts";

/** Samples by round; undefined where a program has no such measure. */
export type Samples = readonly (number | undefined)[];

/** What is good enough: one of the two, where both are given. */
export interface Bar {
  /** Times the figure of the program that it is compared with. */
  readonly ratio?: number;
  /** In the measure's unit. */
  readonly atMost?: number;
}

/** What is measured. */
export interface Measure {
  readonly measure: string;
  readonly unit: "ms" | "MB" | "calls" | "kB";
}

/** One measure of one program. */
export interface Row extends Measure {
  readonly program: string;
  readonly samples: Samples;
  /** NaN where nothing was measured. */
  readonly median: number;
  /** The median of the ratios to another program's own, round by round. */
  readonly ratio?: number;
  readonly bar?: Bar;
}

/** Makes a row of samples. */
export function rowOf(
  about: Measure & { readonly program: string; readonly bar?: Bar | undefined },
  samples: Samples,
  floor: Samples = [],
): Row {
  const { bar, ...rest } = about;
  const ratios = pairwiseRatios(samples, floor);
  return {
    ...rest,
    samples,
    median: middle(given(samples)),
    ...(ratios.length > 0 && { ratio: middle(ratios) }),
    ...(bar !== undefined && { bar }),
  };
}

/** Whether a row meets its bar; undefined where it has none. What was not measured does not. */
export function isMet({ median, ratio = NaN, bar }: Row): boolean | undefined {
  return bar && (ratio <= (bar.ratio ?? -Infinity) || median <= (bar.atMost ?? -Infinity));
}

const HEADINGS = ["measure", "program", "median", "10–90 %", "ratio", "bar"] as const;

/** Rows of one measure stand together. */
export function table(rows: readonly Row[]): string {
  const measures = [...new Set(rows.map(({ measure }) => measure))];
  return aligned([
    [...HEADINGS],
    ...measures.flatMap((one) => [
      [],
      ...rows.filter(({ measure, median, bar }) => measure === one && (bar || !isNaN(median)))
        .map(cells),
    ]),
  ]);
}

function cells(row: Row): string[] {
  const { measure, unit, program, samples, median, ratio, bar } = row;
  const all = given(samples);
  const spread = all.length < 2
    ? ""
    : `${digits(quantile(all, 0.1))}–${digits(quantile(all, 0.9))}`;
  const limits = [
    ...(bar?.ratio === undefined ? [] : [`≤ ${bar.ratio} ×`]),
    ...(bar?.atMost === undefined ? [] : [`≤ ${bar.atMost} ${unit}`]),
  ];
  const verdict = bar === undefined ? "" : `${limits.join(" or ")}: ${isMet(row) ? "" : "NOT "}met`;
  return [
    `${measure} (${unit})`,
    program,
    digits(median),
    spread,
    ratio?.toFixed(2) ?? "",
    verdict,
  ];
}

function given(samples: Samples): number[] {
  return samples.filter((sample) => sample !== undefined);
}

function middle(samples: readonly number[]): number {
  return samples.length === 0 ? NaN : quantile(samples, 0.5);
}

/** Three digits are as many as mean anything. */
function digits(value: number): string {
  return value < 100 ? value.toPrecision(3) : value.toFixed(0);
}

/** Text to the left, numbers to the right. */
function aligned(rows: readonly (readonly string[])[]): string {
  const widths = HEADINGS.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0))
  );
  const isText = (column: number) => column < 2 || column === HEADINGS.length - 1;
  const cell = (text: string, column: number) =>
    isText(column) ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0);
  return rows.map((row) => row.map(cell).join("  ").trimEnd()).join("\n");
}
