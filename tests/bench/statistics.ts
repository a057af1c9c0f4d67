/** What many runs say together. */

/** The middle of a series of samples, and how far they spread. */
export interface Summary {
  readonly count: number;
  readonly median: number;
  /** A tenth of the samples is below this. */
  readonly p10: number;
  /** A tenth of the samples is above this. */
  readonly p90: number;
}

/** Sums up the samples; undefined where there are none. */
export function summarize(samples: readonly number[]): Summary | undefined {
  if (samples.length === 0) return undefined;
  return {
    count: samples.length,
    median: quantile(samples, 0.5),
    p10: quantile(samples, 0.1),
    p90: quantile(samples, 0.9),
  };
}

/**
 * The value below which this share of the samples lies, interpolated between the two nearest as
 * R and NumPy do (type 7 of Hyndman and Fan).
 * @throws {RangeError} There are no samples, or the share is not within 0 and 1.
 */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)];
  const above = sorted[Math.ceil(place)];
  if (below === undefined || above === undefined) {
    throw new RangeError(`Cannot find quantile ${share} of ${samples.length} samples`);
  }
  return below + (above - below) * (place - Math.floor(place));
}

/**
 * The ratios of the samples to those of the same round: what the machine does in a round, it does
 * to both. A round in which one of them is missing is left out.
 */
export function pairwiseRatios(
  samples: readonly (number | undefined)[],
  others: readonly (number | undefined)[],
): number[] {
  return samples.flatMap((sample, round) => {
    const other = others[round];
    return sample === undefined || other === undefined ? [] : [sample / other];
  });
}
