/** From samples to figures. */
import type { Lives } from "./rounds.ts";
import { MEASURES } from "./measures.ts";
import { pairwiseRatios, quantile, summarize, type Summary } from "./statistics.ts";
import { type Bar, judge, type Verdict } from "./bar.ts";
import { SIDECAR } from "./programs.ts";

/** Samples by round; undefined where a program has no such measure. */
export type Samples = readonly (number | undefined)[];

/** One measure of one program. */
export interface Figure {
  readonly program: string;
  readonly summary: Summary | undefined;
  /** The median of the ratios to the floor's own, round by round. */
  readonly ratio: number | undefined;
  readonly samples: Samples;
}

/** One measure of all programs. */
export interface Result {
  readonly measure: string;
  readonly unit: string;
  /** The program whose figure the others are compared with. */
  readonly floor: string;
  readonly bar?: Bar;
  readonly figures: readonly Figure[];
}

/** Makes figures of the samples of each program. */
export function resultOf(
  about: Omit<Result, "figures">,
  samples: ReadonlyMap<string, Samples>,
): Result {
  const floor = samples.get(about.floor) ?? [];
  const figures = [...samples].map(([program, samples]) => ({
    program,
    summary: summarize(samples.filter((sample) => sample !== undefined)),
    ratio: medianRatio(samples, floor),
    samples,
  }));
  return { ...about, figures };
}

/** All measures of all lives. */
export function resultsOf(all: readonly Lives[]): Result[] {
  return MEASURES.map(({ name, unit, floor, bar, of }) =>
    resultOf(
      { measure: name, unit, floor, ...(bar !== undefined && { bar }) },
      new Map(all.map(({ program, lives }) => [program.name, lives.map(of)])),
    )
  );
}

/** The sidecar's own figure. */
export function sidecarFigure({ figures }: Result): Figure | undefined {
  return figures.find(({ program }) => program === SIDECAR);
}

/** Holds each measure with a bar against it. */
export function verdictsOf(results: readonly Result[]): Verdict[] {
  return results.flatMap((result) => {
    const figure = sidecarFigure(result);
    return result.bar === undefined || figure === undefined
      ? []
      : [judge(result, figure, result.bar)];
  });
}

function medianRatio(samples: Samples, others: Samples): number | undefined {
  const ratios = pairwiseRatios(samples, others);
  return ratios.length === 0 ? undefined : quantile(ratios, 0.5);
}
