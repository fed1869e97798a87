/**
 * A circuit breaker. Until the first answer, and again after it was open, it lets one request through at a time
 * (`isProven` is false): a cold burst would open many connections, and a server that comes back needs room.
 */
import type { Clock } from "../clock.ts";

/** So many failures in a row open it; one is enough while nothing is proven. */
export const FAILURES = 5;

/** Milliseconds: how long it is open at first, and at most. It doubles each time. */
const FIRST = 1_000;
const LONGEST = 5 * 60_000;

export type Breaker = ReturnType<typeof createBreaker>;

export function createBreaker({ clock, random }: { clock: Clock; random: () => number }) {
  let isProven = false, failures = 0, doublings = 0, openings = 0, until = -Infinity;

  /** Opens it for so many milliseconds, or for longer each time. */
  function open(milliseconds = backOff(doublings++, random)): void {
    [isProven, failures] = [false, 0];
    openings++;
    until = clock.elapsed() + milliseconds;
  }

  return {
    open,
    get isProven(): boolean {
      return isProven;
    },
    /** How often it has opened: what was sent before says nothing about now. */
    get openings(): number {
      return openings;
    },
    /** Milliseconds until it lets a request through, 0 when it does. */
    left: (): number => Math.max(0, until - clock.elapsed()),
    succeeded: () => void ([isProven, failures, doublings] = [true, 0, 0]),
    failed(): void {
      failures++;
      if (!isProven || failures >= FAILURES) open();
    },
  };
}

/** Half of it is jitter: many workers must not come back at once. */
function backOff(doublings: number, random: () => number): number {
  return Math.min(LONGEST, FIRST * 2 ** doublings) * (0.5 + random() / 2);
}
