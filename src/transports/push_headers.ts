/** The request header of a push (RFC 8030 5, RFC 8188 2, RFC 8292 3). */
import { DEFAULT_PRIORITY } from "../model/change.ts";
import type { Delivery, Message } from "../model/delivery.ts";

/** Seconds: RFC 8030 5.2 leaves the most to the service; none keeps a message for longer than 28 days. */
export const MAX_TTL = 28 * 86_400;

/** `now` in milliseconds since 1970, `length` of the body in bytes. */
export function headersOf(
  delivery: Delivery,
  { authorization, length, now }: { authorization: string; length: number; now: number },
): Record<string, string> {
  const topic = replacedBy(delivery);
  return {
    authorization,
    ttl: `${ttlOf(delivery.until, now)}`,
    urgency: urgencyOf(delivery.message),
    ...(topic !== undefined && { topic }),
    "content-type": "application/octet-stream",
    "content-encoding": "aes128gcm",
    "content-length": `${length}`,
  };
}

/** Seconds from `now` until a message is over, both in milliseconds since 1970; one at the least, since 0 is now or never. */
export function ttlOf(until: number, now: number): number {
  return Math.min(Math.max(Math.floor((until - now) / 1000), 1), MAX_TTL);
}

/** What a later message may replace this one by. One of properties would be lost to one of content. */
export function replacedBy({ message, replaces }: Delivery): string | undefined {
  return message?.merged.property ? undefined : replaces;
}

/** RFC 8030 5.3. */
function urgencyOf(message: Message): "very-low" | "low" | "normal" | "high" {
  const priority = message?.merged.priority ?? DEFAULT_PRIORITY;
  if (priority < 10) return "very-low";
  if (priority < 25) return "low";
  return priority < 75 ? "normal" : "high";
}
