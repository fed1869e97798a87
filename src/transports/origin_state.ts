/** What is known of one push service, and what a request to it tells. */
import type { Clock } from "../clock.ts";
import { createBreaker } from "./breaker.ts";
import { createKeyBreaker, type KeyBreaker } from "./key_breaker.ts";

/** Different endpoints that are told to wait in a row, nobody being served: then the origin as a whole is meant. */
export const TOLD = 10;

/** Milliseconds that an origin may ask for as a whole; one request then tries. */
export const LONGEST_PAUSE = 60_000;

/**
 * What became of a request; a `silent` one tells nothing of the origin. `wait` is set where it said `Retry-After`,
 * milliseconds; `rest` where the endpoint alone is to be left in peace for so long; `key` where it took or refused our VAPID
 * key.
 */
export type Verdict = {
  origin: "answered" | "failed" | "silent";
  wait?: number;
  rest?: number;
  key?: "accepted" | "refused";
};

export type OriginState = ReturnType<typeof createOriginState>;

export function createOriginState({ clock, random }: { clock: Clock; random: () => number }) {
  const breaker = createBreaker({ clock, random });
  const keys = new Map<string, KeyBreaker>();
  const told = new Set<string>();

  function keyBreaker(key: string): KeyBreaker {
    const found = keys.get(key) ?? createKeyBreaker(clock);
    keys.set(key, found);
    return found;
  }

  /** Takes a verdict on what was sent when the breaker had opened `openings` times. */
  function judge({ origin, wait }: Verdict, endpoint: string, openings: number): void {
    // What was sent before it opened says nothing about now.
    if (openings !== breaker.openings) return;
    if (wait) return tell(endpoint, wait);
    if (origin === "failed") breaker.failed();
    if (origin !== "answered") return;
    breaker.succeeded();
    told.clear();
  }

  function tell(endpoint: string, wait: number): void {
    told.add(endpoint);
    if (told.size < TOLD) return;
    breaker.open(Math.min(wait, LONGEST_PAUSE));
    told.clear();
  }

  return {
    breaker,
    keyBreaker,
    judge,
    /** Whether nothing may be sent to it, or not with one of our keys. */
    isPaused: (): boolean => breaker.left() > 0 || keys.values().some((key) => key.left() > 0),
  };
}
