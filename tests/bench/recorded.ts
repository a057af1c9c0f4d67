/** What an earlier run measured, so that a short one shows what has become worse. */
import { LISTENING, SIDECAR } from "./programs.ts";
import type { Row } from "./report.ts";

/** Ratios to the empty program, by program and measure. */
export type Recorded = Readonly<Record<string, number>>;

/** A quarter over the recorded ratio is no news: no machine is quiet. */
const SLACK = 1.25;

/** The ratios of memory: those of times are others on each kind of machine. */
export function recordOf(rows: readonly Row[]): Recorded {
  return Object.fromEntries(
    rows.filter(isRecorded).map((row) => [nameOf(row), round(row.ratio ?? NaN)]),
  );
}

/** The rows with the recorded ratios as bars. What is not recorded does not meet its bar. */
export function withRecordedBars(rows: readonly Row[], recorded: Recorded): Row[] {
  const missing = Object.keys(recorded).filter((name) => !rows.some((row) => nameOf(row) === name));
  if (missing.length > 0) throw new Error(`recorded and not measured: ${missing.join(", ")}`);
  return rows.map(({ bar, ...row }) => {
    if (row.program.endsWith("/ before")) return { ...row, ...(bar && { bar }) };
    return isRecorded(row)
      ? { ...row, bar: { ratio: round((recorded[nameOf(row)] ?? 0) * SLACK) } }
      : row;
  });
}

/** A short run measures no more. */
const MEASURES = ["anonymous memory", "resident memory", "resident memory, peak"];

function isRecorded({ measure, program }: Row): boolean {
  return MEASURES.includes(measure) && (program === SIDECAR || program === LISTENING);
}

function nameOf({ program, measure }: Row): string {
  return `${program}: ${measure}`;
}

function round(ratio: number): number {
  return Number(ratio.toFixed(3));
}
