/** How small and how quick is small and quick enough. */
import type { Figure } from "./results.ts";

/** What the sidecar must not fall short of: one of the two is enough. */
export interface Bar {
  /** Times the figure of the program that it is compared with. */
  readonly ratio: number;
  /** In the measure's unit. */
  readonly orAtMost?: number;
}

/** Whether a bar is met, and the line that says so. */
export interface Verdict {
  readonly measure: string;
  readonly met: boolean;
  readonly line: string;
}

/** The verdict on something that has no floor of its own. */
export function verdictOn(measure: string, met: boolean, words: string): Verdict {
  return { measure, met, line: `${measure}: ${words}: ${met ? "met" : "NOT met"}` };
}

/** What a figure is held against. */
export interface Judged {
  readonly measure: string;
  readonly unit: string;
  readonly floor: string;
}

/** Holds the sidecar's figure against the bar; one that was not measured does not meet it. */
export function judge({ measure, unit, floor }: Judged, figure: Figure, bar: Bar): Verdict {
  const { summary, ratio } = figure;
  if (summary === undefined || ratio === undefined) {
    return { measure, met: false, line: `${measure}: not measured: NOT met` };
  }
  const met = ratio <= bar.ratio || summary.median <= (bar.orAtMost ?? -Infinity);
  const or = bar.orAtMost === undefined ? "" : ` or ≤ ${bar.orAtMost} ${unit}`;
  const line = `${measure}: ${summary.median.toFixed(1)} ${unit}, ${ratio.toFixed(2)} × ${floor} ` +
    `(bar: ≤ ${bar.ratio} ×${or}): ${met ? "met" : "NOT met"}`;
  return { measure, met, line };
}
