/** The sample below which the share `q` of all samples lie; NaN without any. */
export function quantile(samples: number[], q: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? NaN;
}

export function median(samples: number[]): number {
  return quantile(samples, 0.5);
}

/** Rounds to what a reader can use: three significant digits. */
export function round(value: number): number {
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}
