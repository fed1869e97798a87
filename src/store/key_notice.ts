/** How far everybody was told of the VAPID key that new subscriptions are made with. */
import { withDeadline } from "./deadline.ts";
import { decodeRecord, encodeRecord } from "./record.ts";
import type { Unread } from "./set_aside.ts";
import { members, optional, text } from "./shape.ts";
import { findSubscriptions, type Found, subscriptionKey } from "./subscriptions.ts";

const KEY = ["key_notice"];

/** `after`: the last subscription that was looked at; undefined when that was all of them. */
export type KeyNotice = { vapidKey: string; after?: string };

const shape = members<KeyNotice>({ vapidKey: text, after: optional(text) });

/** One that cannot be read is as if nobody had been told yet: being told again does no harm. */
export async function readKeyNotice(kv: Deno.Kv, unread: Unread): Promise<KeyNotice | undefined> {
  const { value, versionstamp } = await withDeadline("reading a key notice", kv.get(KEY));
  const notice = decodeRecord(value, shape);
  if (!notice && versionstamp !== null) unread(KEY);
  return notice;
}

export async function writeKeyNotice(kv: Deno.Kv, notice: KeyNotice): Promise<void> {
  await withDeadline("writing a key notice", kv.set(KEY, encodeRecord(notice)));
}

/** Subscriptions behind an id, in the order of their ids. */
export async function readSubscriptionsAfter(kv: Deno.Kv, after: string, limit: number): Promise<Found[]> {
  const range = { start: subscriptionKey(`${after}\0`), end: subscriptionKey("~") };
  const ids = Array.fromAsync(kv.list(range, { limit }), ({ key }) => key[1] as string);
  return await findSubscriptions(kv, await withDeadline("listing subscriptions", ids));
}
