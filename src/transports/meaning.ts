/** What a vendor's answer means, in a word, and what follows from it for the delivery and for the vendor's server. */
import type { Outcome } from "../model/delivery.ts";
import { KEY_PAUSE } from "./key_breaker.ts";
import type { Result } from "./outcome.ts";

/**
 * `too_large`: a shorter one may be taken. `stale`: our token is to be made anew. `refused`: our account or its settings
 * are, until an operator has mended them. `held`: so are some addresses, this one among them. `throttled`: it has too much. `later`:
 * nothing is wrong. `failed`: something is at the vendor. `blocked`: the server's name leads to a private address.
 */
export type Meaning =
  | "delivered"
  | "gone"
  | "rejected"
  | "too_large"
  | "stale"
  | "refused"
  | "held"
  | "throttled"
  | "later"
  | "failed"
  | "blocked";

/** Milliseconds that an address is left alone which has too much and does not say for how long; Google's advice. */
const UNTOLD = 60_000;

/** Of a status whose body says nothing that the vendor's table has. It never ends a subscription. */
export function meaningOf(status: number): Meaning {
  if (status === 401 || status === 403) return "refused";
  if (status === 408 || status === 429) return "throttled";
  const byHundreds: Partial<Record<number, Meaning>> = { 2: "delivered", 3: "later", 4: "rejected" };
  return byHundreds[Math.floor(status / 100)] ?? "failed";
}

/**
 * `now` in milliseconds since 1970; `wait` is what `Retry-After` says, `pause` how long an operator is waited for, at
 * the least, milliseconds.
 */
export function resultOf(
  meaning: Meaning,
  { now, wait, pause = 0 }: { now: number; wait?: number; pause?: number },
): Result {
  const answered = { origin: "answered" } as const;
  const mended = retry(now + Math.max(pause, KEY_PAUSE));
  const rest = wait ?? UNTOLD;
  const results: Record<Meaning, Result> = {
    delivered: { outcome: { kind: "delivered" }, verdict: { ...answered, key: "accepted" } },
    gone: { outcome: { kind: "gone" }, verdict: answered },
    rejected: { outcome: { kind: "rejected" }, verdict: answered },
    too_large: { outcome: { kind: "rejected" }, verdict: answered },
    stale: { outcome: mended, verdict: { ...answered, key: "refused" } },
    refused: { outcome: mended, verdict: { ...answered, key: "refused" } },
    held: { outcome: mended, verdict: answered },
    throttled: { outcome: retry(now + rest), verdict: { ...answered, wait: rest } },
    later: { outcome: retry(), verdict: answered },
    failed: { outcome: retry(wait === undefined ? undefined : now + wait), verdict: { origin: "failed", wait } },
    // Of the vendor that tells nothing: the name may lead elsewhere another time.
    blocked: { outcome: retry(), verdict: { origin: "silent" } },
  };
  return results[meaning];
}

function retry(at?: number): Outcome {
  return at === undefined ? { kind: "retry", tried: true } : { kind: "retry", at, tried: true };
}
