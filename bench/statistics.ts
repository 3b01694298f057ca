/** Median of some numbers. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  if (upper === undefined) throw new RangeError('a median needs at least one number');
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

/** Median of the ratios of measurements of the same round. */
export function medianRatio(figures: readonly number[], peers: readonly number[]): number {
  return median(figures.map((figure, round) => figure / (peers[round] ?? Number.NaN)));
}
