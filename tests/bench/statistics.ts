/** What many runs say together. */

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
