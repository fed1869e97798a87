/**
 * Refusals, of which anybody can ask for any number: so many in a moment go at once, the others wait for their turn. Who
 * sends nonsense as fast as it is refused then gets no more of us than that, and what is good does not wait behind it.
 */
import type { Clock } from "../clock.ts";

/**
 * Milliseconds of a moment, and refusals in it: a thousand a second. Each leaves 20 KB to be collected, and every
 * collection keeps the others waiting: with four times as many the hundredth of good pushes takes four times as long.
 */
const MOMENT = 4, AT_ONCE = 5;

/** Refusals that wait. */
const MAX_WAITING = 2_000;

/** Waits for the turn of one refusal. False, at once: too many wait; the connection that asked is best closed. */
export type AwaitTurn = () => Promise<boolean>;

export function createRefusalTurns(clock: Clock): AwaitTurn {
  const waiting: (() => void)[] = [];
  let moment = -1, given = 0;

  function isFree(): boolean {
    const current = Math.floor(clock.elapsed() / MOMENT);
    if (current !== moment) [moment, given] = [current, 0];
    return given < AT_ONCE;
  }

  async function giveTurns(): Promise<void> {
    while (waiting.length > 0) {
      await clock.wait(MOMENT);
      for (const take of waiting.splice(0, isFree() ? AT_ONCE - given : 0)) {
        given++;
        take();
      }
    }
  }

  return async () => {
    if (waiting.length === 0 && isFree()) {
      given++;
      return true;
    }
    if (waiting.length >= MAX_WAITING) return false;
    const { promise, resolve } = Promise.withResolvers<void>();
    if (waiting.push(resolve) === 1) void giveTurns();
    await promise;
    return true;
  };
}
