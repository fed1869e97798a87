/** The end of subscriptions: their topics end one by one, and tombstones after a day. Compared with the clock. */
import { withDeadline } from "./deadline.ts";
import type { Unread } from "./set_aside.ts";
import {
  ENDS,
  findSubscription,
  type Found,
  removeSubscription,
  saveSubscription,
  subscriptionKey,
} from "./subscriptions.ts";

const A_DAY = 24 * 3_600_000;

type End = { at: number; id: string };

/**
 * Ends what is over. Looks at `limit` ends at the most; says how many it looked at. Calls `unread` with what cannot be read.
 */
export async function endSubscriptions(
  kv: Deno.Kv,
  now: number,
  limit: number,
  unread: Unread = () => {},
): Promise<number> {
  const entries = kv.list({ start: [ENDS], end: [ENDS, now + 1] }, { limit });
  const toEnd = ({ key }: Deno.KvEntry<unknown>): End => ({ at: key[1] as number, id: key[2] as string });
  const ends = await withDeadline("reading what ends", Array.fromAsync(entries, toEnd));
  for (const end of ends) await endOne(kv, end, now, unread);
  return ends.length;
}

async function endOne(kv: Deno.Kv, end: End, now: number, unread: Unread): Promise<void> {
  const found = await findSubscription(kv, end.id);
  if (found.kept) return await endTopics(kv, found, end, now);
  if (found.unknown) {
    unread(subscriptionKey(end.id));
    return await postpone(kv, end, now);
  }
  const isTombstone = found.deletedUntil !== undefined && found.deletedUntil <= now;
  await forget(kv, end, isTombstone ? found : undefined);
}

async function endTopics(kv: Deno.Kv, found: Found, end: End, now: number): Promise<void> {
  const { subscription } = found.kept!;
  const topics = subscription.topics.filter(({ expiresAt }) => expiresAt > now);
  if (topics.length === 0) await removeSubscription(kv, found, now);
  else if (topics.length === subscription.topics.length) await forget(kv, end, undefined);
  else await saveSubscription(kv, found, { ...found.kept!, subscription: { ...subscription, topics } });
}

/** A record that cannot be read stays as it is. */
async function postpone(kv: Deno.Kv, { at, id }: End, now: number): Promise<void> {
  const atomic = kv.atomic().delete([ENDS, at, id]).set([ENDS, now + A_DAY, id], 0);
  await withDeadline("postponing an end", atomic.commit());
}

/** Forgets an end that nothing is left of, and the tombstone that it was of. */
async function forget(kv: Deno.Kv, { at, id }: End, tombstone: Found | undefined): Promise<void> {
  const atomic = kv.atomic().delete([ENDS, at, id]);
  if (tombstone) {
    const key = subscriptionKey(id);
    atomic.check({ key, versionstamp: tombstone.versionstamp }).delete(key);
  }
  await withDeadline("forgetting an end", atomic.commit());
}
