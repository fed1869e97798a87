/**
 * Whether an origin takes one VAPID key. Where it never did, one refusal tells that the key or the configuration is
 * wrong. Where it did, it takes several subscriptions: a stranger could have made one for another key.
 */
import type { Clock } from "../clock.ts";

/** Different subscriptions that are refused in a row. */
export const REFUSALS = 3;

/** Milliseconds. An operator needs time to mend it; one request then tries alone, and has so long to end. */
export const KEY_PAUSE = 10 * 60_000;
const PROBE = 15_000;

export type KeyBreaker = ReturnType<typeof createKeyBreaker>;

export function createKeyBreaker(clock: Clock) {
  const refusals = new Set<string>();
  let wasAccepted = false, isOpen = false, until = -Infinity;
  return {
    /** Milliseconds until it lets a request through, 0 when it does. */
    left: (): number => Math.max(0, until - clock.elapsed()),
    /** Until a request has shown that it is mended. */
    isOpen: () => isOpen,
    /** A request begins. */
    entered: () => void (isOpen && (until = clock.elapsed() + PROBE)),
    accepted(): void {
      [wasAccepted, isOpen, until] = [true, false, -Infinity];
      refusals.clear();
    },
    /** True when it opens now, and was not open before. */
    refused(endpoint: string): boolean {
      refusals.add(endpoint);
      if (wasAccepted && refusals.size < REFUSALS) return false;
      const opens = !isOpen;
      [isOpen, until] = [true, clock.elapsed() + KEY_PAUSE];
      refusals.clear();
      return opens;
    },
  };
}
