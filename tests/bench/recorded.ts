/** What an earlier run measured, so that a later one shows what has become worse. */
import type { Verdict } from "./bar.ts";
import { type Result, sidecarFigure } from "./results.ts";

/** A ratio may be so much over the recorded one: a quarter, for a machine is never quiet. */
const SLACK = 1.25;

/** Ratios of the sidecar to what each measure compares it with, by measure. */
export type Ratios = Readonly<Record<string, number>>;

/** The ratios of a run: of memory alone, for those of times are others on each kind of machine. */
export function ratiosOf(results: readonly Result[]): Ratios {
  return Object.fromEntries(
    results.filter(({ unit }) => unit === "MB").flatMap((result) => {
      const ratio = sidecarFigure(result)?.ratio;
      return ratio === undefined ? [] : [[result.measure, Number(ratio.toFixed(3))]];
    }),
  );
}

/** Compares a run with what was recorded; what one of them lacks fails. */
export function compare(measured: Ratios, recorded: Ratios): Verdict[] {
  const measures = [...new Set([...Object.keys(recorded), ...Object.keys(measured)])];
  return measures.map((measure) => {
    const [now, before] = [measured[measure], recorded[measure]];
    if (now === undefined || before === undefined) {
      const lack = now === undefined ? "not measured" : "not recorded: run with --record";
      return { measure, met: false, line: `${measure}: ${lack}: NOT met` };
    }
    const met = now <= before * SLACK;
    const line = `${measure}: ${now.toFixed(2)} × the floor, recorded ${before.toFixed(2)} ` +
      `(at most ${(before * SLACK).toFixed(2)}): ${met ? "met" : "NOT met"}`;
    return { measure, met, line };
  });
}
