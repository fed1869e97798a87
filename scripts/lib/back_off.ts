/** How long to wait before connecting again. */

/** Milliseconds: where the worker named no `retry:`, and at most. */
const FIRST = 500;
const MOST = 30_000;

/** Doubles with each attempt that failed, with jitter, never below what the worker asked for. */
export function backOff(attempt: number, asked: number | undefined, random: () => number): number {
  const ceiling = Math.min(MOST, (asked ?? FIRST) * 2 ** Math.min(attempt, 10));
  return Math.round(Math.max(asked ?? 0, ceiling * (0.5 + random() / 2)));
}
