/** The figures as a table to read. */
import type { Figure, Result } from "./results.ts";

const HEADINGS = ["measure", "program", "median", "10–90 %", "× bare fetch"] as const;

/** A line for each measure of each program; times are in milliseconds. */
export function table(results: readonly Result[]): string {
  const blocks = results.map(({ measure, figures }) =>
    figures.flatMap((figure) => rowOf(measure, figure))
  );
  return aligned([HEADINGS, ...blocks.flatMap((rows) => [[], ...rows])]);
}

function rowOf(measure: string, { program, summary, ratioToBareFetch }: Figure): string[][] {
  if (summary === undefined) return [];
  const { median, p10, p90 } = summary;
  const ratio = ratioToBareFetch?.toFixed(2) ?? "";
  return [[measure, program, digits(median), `${digits(p10)}–${digits(p90)}`, ratio]];
}

/** Three digits are as many as mean anything. */
function digits(time: number): string {
  return time < 100 ? time.toPrecision(3) : time.toFixed(0);
}

/** Text to the left, numbers to the right. */
function aligned(rows: readonly (readonly string[])[]): string {
  const widths = HEADINGS.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0))
  );
  const cell = (text: string, column: number) =>
    column < 2 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0);
  return rows.map((row) => row.map(cell).join("  ").trimEnd()).join("\n");
}
