/** How often the upstream is looked at: less where nothing happens, where it is slow, and when it hurts. */

/** Milliseconds between two looks at a home. */
const SHORTEST = 30_000;
const LONGEST = 15 * 60_000;

/** Of its time a server gives a home so much at the most: one part in so many. */
const SHARE = 100;

/** And all homes together: so many times as long as a look took nothing is asked. */
const REST = 4;

/** Milliseconds after a failure, doubled by each one that follows. */
const FIRST_PAUSE = 30_000;
const LONGEST_PAUSE = 3_600_000;

/** The next interval of a home. `milliseconds` is what the look took. */
export function nextInterval(interval: number | undefined, isChanged: boolean, milliseconds: number): number {
  const slower = interval === undefined || isChanged ? SHORTEST : interval * 1.5;
  return Math.round(Math.min(LONGEST, Math.max(slower, milliseconds * SHARE)));
}

export const restAfter = (milliseconds: number) => milliseconds * REST;

/** What to wait after so many failures in a row, at the least as long as the server asks for. */
export function pauseAfter(failures: number, retryAfter = 0): number {
  return Math.min(LONGEST_PAUSE, Math.max(FIRST_PAUSE * 2 ** (failures - 1), retryAfter));
}
