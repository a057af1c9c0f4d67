/** How quick is quick enough. */
import type { Summary } from "./statistics.ts";

/** What the sidecar must not fall short of: one of the two is enough. */
export interface Bar {
  /** Times the bare-fetch program's own. */
  readonly ratio: number;
  readonly milliseconds: number;
}

/** On an open connection. */
export const SIGTERM_TO_DEREGISTER_BAR: Bar = { ratio: 1.5, milliseconds: 5 };

/** Whether a bar is met, and the line that says so. */
export interface Verdict {
  readonly met: boolean;
  readonly line: string;
}

/** Holds the sidecar's figures against the bar. */
export function judge(
  name: string,
  { sidecar, floor, ratio }: { sidecar: Summary; floor: Summary; ratio: number },
  bar: Bar,
): Verdict {
  const met = ratio <= bar.ratio || sidecar.median <= bar.milliseconds;
  const line = `${name} median ${sidecar.median.toFixed(1)} ms, ` +
    `bare fetch ${floor.median.toFixed(1)} ms, ratio ${ratio.toFixed(2)} ` +
    `(bar: ≤ ${bar.ratio} or ≤ ${bar.milliseconds} ms): ${met ? "met" : "NOT met"}`;
  return { met, line };
}
