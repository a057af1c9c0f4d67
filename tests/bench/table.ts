/** The figures as a table to read. */
import type { Figure, Result } from "./results.ts";

const HEADINGS = ["measure", "program", "median", "10–90 %", "× floor"] as const;

/** A line for each measure of each program. */
export function table(results: readonly Result[]): string {
  const blocks = results.map((result) => result.figures.flatMap((figure) => rowOf(result, figure)));
  return aligned([HEADINGS, ...blocks.flatMap((rows) => [[], ...rows])]);
}

function rowOf({ measure, unit }: Result, { program, summary, ratio }: Figure): string[][] {
  if (summary === undefined) return [];
  const { median, p10, p90 } = summary;
  const spread = `${digits(p10)}–${digits(p90)}`;
  return [[`${measure} (${unit})`, program, digits(median), spread, ratio?.toFixed(2) ?? ""]];
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
