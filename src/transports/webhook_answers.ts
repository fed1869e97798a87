/** What the answer of a webhook means (Standard Webhooks 1.0, "Delivery success and failure", "Retries and backoff"). */
import type { Outcome } from "../model/delivery.ts";
import { parseRetryAfter } from "../wire/retry_after.ts";
import type { Reply } from "./egress.ts";
import type { Result } from "./outcome.ts";

const SECOND = 1_000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE;

/** Milliseconds to wait behind each try; behind the last one the message is given up. */
export const SCHEDULE = [
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
];

/** A wait is longer by up to this part, so that what failed together does not come back together. */
const JITTER = 0.1;

/** `attempt`: how often it was tried before. `challenge`: what the body must say, where it has to. */
type Asked = { attempt: number; now: number; random: () => number; challenge: string | undefined };

/** A status of 2xx alone is success; 410 alone ends the subscription. */
export function readWebhookReply(reply: Reply, asked: Asked): Result {
  if ("fault" in reply) {
    const origin = reply.fault === "blocked" ? "silent" : "failed";
    return { outcome: again(asked).outcome, verdict: { origin } };
  }
  if (reply.status === 410) return { outcome: { kind: "gone" }, verdict: { origin: "answered" } };
  const isTaken = reply.status >= 200 && reply.status < 300 && isAnswered(reply.body, asked.challenge);
  if (isTaken) return { outcome: { kind: "delivered" }, verdict: { origin: "answered" } };
  const told = reply.retryAfter === undefined ? 0 : parseRetryAfter(reply.retryAfter, asked.now) ?? 0;
  const { outcome, wait } = again(asked, told);
  // The whole endpoint rests: what it is to be told besides would meet the same. Of its host only who asks for it speaks:
  // anybody can name ten paths that are not there.
  const isAsked = told > 0 || reply.status === 429;
  return { outcome, verdict: { origin: "answered", ...(wait > 0 && (isAsked ? { wait } : { rest: wait })) } };
}

function again({ attempt, now, random }: Asked, told = 0): { outcome: Outcome; wait: number } {
  const scheduled = SCHEDULE[attempt];
  if (scheduled === undefined) return { outcome: { kind: "rejected" }, wait: 0 };
  const wait = Math.max(told, scheduled * (1 + JITTER * random()));
  return { outcome: { kind: "retry", at: Math.round(now + wait), tried: true }, wait };
}

/** Whoever runs the address echoes the challenge, as it is or in the JSON that it came in. */
function isAnswered(body: string | undefined, challenge: string | undefined): boolean {
  if (challenge === undefined) return true;
  const text = body?.trim() ?? "";
  return text === challenge || readChallenge(text) === challenge;
}

function readChallenge(text: string): unknown {
  try {
    return JSON.parse(text)?.challenge;
  } catch {
    return undefined;
  }
}
