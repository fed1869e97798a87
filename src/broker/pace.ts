/**
 * How long to linger before a commit. Every isolate reads every batch, so the cost of following grows with the square of
 * the writers. Each process measures the commits that it follows and keeps to its share of about 200 a second. A writer
 * that is alone never waits: nobody else pays for its commits.
 */
export const CELL_COMMITS = 200;

const WINDOW = 1_000;

export type Pace = ReturnType<typeof createPace>;

/** `now` must never jump. */
export function createPace(now: () => number) {
  let windowStart = now(), all = 0, own = 0;
  let rate = { all: 0, own: 0 };

  function roll(): void {
    const elapsed = now() - windowStart;
    if (elapsed < WINDOW) return;
    rate = { all: all * WINDOW / elapsed, own: own * WINDOW / elapsed };
    [windowStart, all, own] = [now(), 0, 0];
  }

  return {
    committed: () => void own++,
    followed: (batches: number) => void (all += batches),
    /** Milliseconds between two commits of this process. */
    gap(): number {
      roll();
      if (rate.all <= CELL_COMMITS || rate.own === 0 || rate.own >= rate.all * 0.99) return 0;
      return WINDOW / CELL_COMMITS * rate.all / rate.own;
    },
  };
}
