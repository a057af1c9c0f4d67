/**
 * How many questions the plan asks until a target is healthy, and how late it knows, beside two
 * other ways to ask: in virtual time, with random targets, and always with the same result. Prints
 * the table of `docs/plan.md`.
 */
import { cellsOf, compare, results } from "./plan_results.ts";

/** The table as Markdown has it, in columns. */
function markdown([head = [], ...rows]: readonly (readonly string[])[]): string {
  const all = [head, head.map(() => "---"), ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all.map((row) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`
  ).join("\n");
}

if (import.meta.main) {
  const rows = results();
  const comparisons = compare(rows);
  for (const { what, outcome } of comparisons) console.log(`${outcome.padEnd(10)}  ${what}`);
  console.log(`\n${markdown(cellsOf(rows))}\n`);
  const count = (outcome: string) =>
    comparisons.filter((comparison) => comparison.outcome === outcome).length;
  const isGood = count("not better") === 0;
  console.log(
    `${isGood ? "good" : "not good"}: of ${comparisons.length} comparisons ${count("better")} ` +
      `better, ${count("cannot be")} where the bound forbids it, ${count("not better")} not better`,
  );
  if (!isGood) Deno.exit(1);
}
