/** From lives to figures. */
import type { Lives } from "./rounds.ts";
import { MEASURES } from "./measures.ts";
import { BARE_FETCH, SIDECAR } from "./programs.ts";
import { pairwiseRatios, quantile, summarize, type Summary } from "./statistics.ts";

/** One measure of one program. */
export interface Figure {
  readonly program: string;
  /** Undefined where the program has no such measure. */
  readonly summary: Summary | undefined;
  /** The median of the ratios to the bare-fetch program's own, round by round. */
  readonly ratioToBareFetch: number | undefined;
  /** Milliseconds, by round. */
  readonly samples: readonly (number | undefined)[];
}

/** One measure of all programs. */
export interface Result {
  readonly measure: string;
  readonly figures: readonly Figure[];
}

/** All measures of all programs. */
export function results(all: readonly Lives[]): Result[] {
  return Object.entries(MEASURES).map(([measure, of]) => {
    const samples = new Map(all.map(({ program, lives }) => [program.name, lives.map(of)]));
    const bare = samples.get(BARE_FETCH) ?? [];
    return {
      measure,
      figures: [...samples].map(([program, samples]) => ({
        program,
        summary: summarize(samples.filter((sample) => sample !== undefined)),
        ratioToBareFetch: medianRatio(samples, bare),
        samples,
      })),
    };
  });
}

/** The figures of the sidecar and of the bare-fetch program that a bar is about. */
export function sidecarAndFloor(
  results: readonly Result[],
  measure: string,
): { sidecar: Summary; floor: Summary; ratio: number } {
  const figures = results.find((result) => result.measure === measure)?.figures ?? [];
  const sidecar = figures.find(({ program }) => program === SIDECAR);
  const floor = figures.find(({ program }) => program === BARE_FETCH);
  if (!sidecar?.summary || !floor?.summary || sidecar.ratioToBareFetch === undefined) {
    throw new Error(`Cannot judge "${measure}": it was not measured`);
  }
  return { sidecar: sidecar.summary, floor: floor.summary, ratio: sidecar.ratioToBareFetch };
}

type Samples = readonly (number | undefined)[];

function medianRatio(samples: Samples, others: Samples): number | undefined {
  const ratios = pairwiseRatios(samples, others);
  return ratios.length === 0 ? undefined : quantile(ratios, 0.5);
}
