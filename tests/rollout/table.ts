/** Figures as a table of Markdown, to read and to keep. */
import type { Outcome } from "./outcome.ts";

const HEADINGS = [
  "strategy",
  "failed connections",
  "of",
  "rolled out after",
  "last old pod gone after",
  "API calls",
  "surplus pod-seconds",
] as const;

/** A row for each outcome. */
export function table(outcomes: readonly Outcome[]): string {
  return markdown(HEADINGS, outcomes.map(rowOf));
}

function rowOf(outcome: Outcome): string[] {
  const { strategy, failed, begun, duration, untilGone, calls, surplus } = outcome;
  const seconds = [duration, untilGone].map((time) => `${time.toFixed(0)} s`);
  return [
    `\`${strategy}\``,
    ...[failed, begun].map(String),
    ...seconds,
    ...[calls, surplus].map((figure) => figure.toFixed(0)),
  ];
}

/** A table, its columns as wide as their widest cells. */
export function markdown(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const all = [headings, ...rows];
  const widths = headings.map((_, column) =>
    Math.max(...all.map((row) => row[column]?.length ?? 0))
  );
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(headings), rule, ...rows.map(line)].join("\n");
}
