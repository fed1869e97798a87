/** What the answer of a push service means, for the delivery and for what may follow it to the same origin. */
import type { Outcome } from "../model/delivery.ts";
import { parseRetryAfter } from "../wire/retry_after.ts";
import type { Reply } from "./egress.ts";
import { KEY_PAUSE } from "./key_breaker.ts";
import type { Verdict } from "./origin_state.ts";

export type Result = { outcome: Outcome; verdict: Verdict };

/** Milliseconds that an endpoint is left alone which has too much and does not say for how long. */
const UNTOLD = 5_000;

const REJECTED: Outcome = { kind: "rejected" };

/** Reads a reply at `now`, milliseconds since 1970. A network error is never the end of a subscription. */
export function readReply(reply: Reply, now: number): Result {
  // Of the origin that tells nothing: the name may lead elsewhere another time.
  if ("fault" in reply && reply.fault === "blocked") return { outcome: retry(), verdict: { origin: "silent" } };
  if ("fault" in reply) return { outcome: retry(), verdict: { origin: "failed" } };
  const wait = reply.retryAfter === undefined ? undefined : parseRetryAfter(reply.retryAfter, now);
  return readStatus(reply.status, now, wait);
}

/** A result, and why the message was not taken. */
export function because(result: Result, reason: string): Result {
  const { outcome } = result;
  return outcome.kind === "delivered" ? result : { ...result, outcome: { ...outcome, reason } };
}

export const reasonOf = (reply: Reply): string => "fault" in reply ? reply.fault : `${reply.status}`;

/** `wait` is what `Retry-After` says, milliseconds. RFC 8030 5, 5.2 and 7.3, RFC 8292 4.2, RFC 9110 15. */
function readStatus(status: number, now: number, wait: number | undefined): Result {
  const answered = { origin: "answered" } as const;
  const later = wait === undefined ? undefined : now + wait;
  if (status === 401 || status === 403) {
    return { outcome: retry(now + KEY_PAUSE), verdict: { ...answered, key: "refused" } };
  }
  if (status === 404 || status === 410) return { outcome: { kind: "gone" }, verdict: answered };
  if (status === 408 || status === 429) {
    return { outcome: retry(later), verdict: { ...answered, wait: wait ?? UNTOLD } };
  }
  switch (Math.floor(status / 100)) {
    case 2:
      return { outcome: { kind: "delivered" }, verdict: { ...answered, key: "accepted" } };
    case 3:
      return { outcome: retry(), verdict: answered };
    case 4:
      return { outcome: REJECTED, verdict: answered };
    default:
      return { outcome: retry(later), verdict: { origin: "failed", wait } };
  }
}

function retry(at?: number): Outcome {
  return at === undefined ? { kind: "retry", tried: true } : { kind: "retry", at, tried: true };
}
