/** When to try again: exponentially later, with jitter, so that what failed together does not come back together. */

/** Milliseconds. */
const FIRST = 1_000;
const LONGEST = 3_600_000;

/** Milliseconds to wait after so many tries. */
export function backOff(attempt: number, random: () => number): number {
  return Math.min(LONGEST, FIRST * 2 ** attempt) * (0.5 + random());
}
