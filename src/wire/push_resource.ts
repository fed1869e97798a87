/** The fields of a push (RFC 8030 5) and of a subscription (RFC 8030 4, RFC 8292 4.1), and what a reader is shown. */
import { z } from "zod";
import { CarillonError } from "../errors.ts";
import { type PushMessage, URGENCIES, type Urgency } from "../model/push_message.ts";
import { readPoint } from "./push_keys.ts";

/** Seconds that a message is kept at most: 28 days, as others do. */
export const MAX_TTL = 28 * 86_400;

/** RFC 8030 5.4. */
const TOPIC = /^[\w-]{1,32}$/;

export type Fields = { ttl: number; urgency: Urgency; topic?: string; encoding?: string; receipt?: string };

/** Reads the fields of a push; `ttl` in seconds, as it is granted. Throws `bad_request`. */
export function readFields(field: (name: string) => string | undefined): Fields {
  const ttl = field("ttl"), topic = field("topic"), encoding = field("content-encoding");
  if (ttl === undefined) throw refuse("it has no TTL");
  if (!/^\d+$/.test(ttl.trim())) throw refuse("its TTL is no number of seconds");
  if (topic !== undefined && !TOPIC.test(topic)) throw refuse("its Topic is not 1 to 32 characters of base64url");
  if (encoding !== undefined && !/^[\w!#$%&'*+.^`|~-]{1,32}$/.test(encoding)) {
    throw refuse("its Content-Encoding is none");
  }
  const receipt = wantsReceipt(field("prefer")) ? field("push-receipt") : undefined;
  return {
    ttl: Math.min(Number(ttl), MAX_TTL),
    urgency: readUrgency(field("urgency")) ?? "normal",
    ...(topic !== undefined && { topic }),
    ...(encoding !== undefined && { encoding }),
    ...(receipt !== undefined && { receipt: readLinkTarget(receipt) }),
  };
}

/** RFC 8030 5.1: a receipt is asked for by both. */
function wantsReceipt(prefer: string | undefined): boolean {
  return (prefer ?? "").split(",").some((part) => part.split(";")[0]!.trim().toLowerCase() === "respond-async");
}

/** Throws `bad_request` for what is no urgency. */
export function readUrgency(text: string | undefined): Urgency | undefined {
  if (text === undefined) return undefined;
  const found = URGENCIES.find((urgency) => urgency === text.trim());
  if (!found) throw refuse("its Urgency is none of very-low, low, normal, high");
  return found;
}

/** The target of a `Link` with this relation (RFC 8288). */
export function readLink(field: string | undefined, relation: string): string | undefined {
  for (const [, target, parameters] of (field ?? "").matchAll(/<([^<>]*)>([^<]*)/g)) {
    const [, rel] = /;\s*rel\s*=\s*"?([^",;]+)"?/i.exec(parameters!) ?? [];
    if (rel?.trim().split(/\s+/).includes(relation)) return target;
  }
  return undefined;
}

/** A bare URL, or one in angle brackets. */
function readLinkTarget(text: string): string {
  return text.trim().replace(/^<(.*)>$/, "$1");
}

/** `application/webpush-options+json` (RFC 8292 4.1). */
export const pushOptions = z.object({ vapid: z.string().optional() });

/** Reads `application/webpush-options+json`: the key that the subscription is restricted to. Throws `bad_request`. */
export function readOptions(value: unknown): { vapidKey?: string } {
  const parsed = pushOptions.safeParse(value);
  if (!parsed.success) throw refuse("its vapid is no text");
  const { vapid } = parsed.data;
  return vapid === undefined ? {} : { vapidKey: readPoint("vapid", vapid) };
}

/** The event's id: of what message, and no less urgent than what its reader had all before it. */
function printPushId(token: string, least: Urgency): string {
  return `${token}.${URGENCIES.indexOf(least)}`;
}

/** Undefined for what is no such id. */
export function readPushId(id: string): { token: string; least: Urgency } | undefined {
  const [, token, rank] = /^(.*)\.([0-3])$/.exec(id) ?? [];
  return token === undefined ? undefined : { token, least: URGENCIES[Number(rank)]! };
}

type Event = { message: PushMessage; token: string; least: Urgency; url: (token: string) => string; now: number };

/** One event of a reader: its id acknowledges what it had before, data is one line of JSON. */
export function printPushEvent({ message, token, least, url, now }: Event): string {
  const { of: told, urgency, topic, encoding, body, until } = message;
  const data = told
    ? { message: url(told.message), status: told.status }
    : { message: url(token), encoding, urgency, topic, ttl: Math.max(0, Math.ceil((until - now) / 1000)), body };
  return `id: ${printPushId(token, least)}\ndata: ${JSON.stringify(data)}\n\n`;
}

function refuse(reason: string): CarillonError {
  return new CarillonError("bad_request", `the push was refused: ${reason}`);
}
