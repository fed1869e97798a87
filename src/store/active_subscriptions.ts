/**
 * Which subscriptions are active, at which worker. Each worker writes in **eras**: a record that every write of it checks and
 * moves, so that whoever was taken for dead, and buried, cannot add to what is buried.
 */
import type { ActiveSubscription, Query } from "../model/active_subscription.ts";
import type { Payload } from "../model/grant.ts";
import { MATCH_TYPES, type MatcherText } from "../model/matcher.ts";
import { shortHash } from "../model/short_hash.ts";
import { withDeadline } from "./deadline.ts";
import { decodeRecord, encodeRecord } from "./record.ts";
import type { Unread } from "./set_aside.ts";
import { line, members, object, oneOf, optional, type Shape, text } from "./shape.ts";

const ERA = "era", ACTIVE = "active";

/** `worker` writes in it; `buriedBy` is the one that ends what the other left; `nonce` tells one write from every other. */
type EraRecord = { worker: string; nonce: string; buriedBy?: string };

const eraShape = members<EraRecord>({ worker: text, nonce: text, buriedBy: optional(text) });

/** `versionstamp` is the version of its record; null while there is none. */
export type Era = EraRecord & { id: string; versionstamp: string | null };

const payloadShape: Shape<Payload> = (value): value is Payload => object<Payload>(value);
const subscriptionShape = members<Omit<StoredSubscription, "subscriber">>({
  era: text,
  type: oneOf(...MATCH_TYPES),
  match: line,
  payload: optional(payloadShape),
});

/** A subscription, and in which era it was written. */
export type StoredSubscription = ActiveSubscription & { era: string };

const eraKey = (id: string) => [ERA, id];
const matcherKey = ({ type, match }: MatcherText) => [ACTIVE, shortHash("active", type, match)];
const subscriptionKey = (subscription: ActiveSubscription) => [...matcherKey(subscription), subscription.subscriber];

/**
 * Writes an era's record over the version that was found, and what became active in it. Answers the new version; undefined
 * when another one stands there, with another nonce: the era was buried. Throws `kv_failed` or `kv_timeout`: then it is
 * repeated with the same nonce.
 */
export async function commitEra(
  kv: Deno.Kv,
  { id, versionstamp, worker, nonce, buriedBy }: Era,
  active: ActiveSubscription[] = [],
): Promise<string | undefined> {
  const key = eraKey(id);
  const atomic = kv.atomic().check({ key, versionstamp }).set(key, encodeRecord({ worker, nonce, buriedBy }));
  for (const each of active) {
    const { type, match, payload } = each;
    atomic.set(subscriptionKey(each), encodeRecord({ era: id, type, match, payload }));
  }
  const result = await withDeadline("writing what is active", atomic.commit());
  return result.ok ? result.versionstamp : await findOwnWriting(kv, key, nonce);
}

/** A commit whose answer was lost is repeated, by KV Connect or by us: the check then fails on our own writing. */
async function findOwnWriting(kv: Deno.Kv, key: Deno.KvKey, nonce: string): Promise<string | undefined> {
  const { value, versionstamp } = await withDeadline("reading an era again", kv.get<unknown>(key));
  return decodeRecord(value, eraShape)?.nonce === nonce ? versionstamp! : undefined;
}

/** Takes out what is not active any more; at most as many as one commit holds. */
export async function deleteActive(kv: Deno.Kv, subscriptions: ActiveSubscription[]): Promise<void> {
  const atomic = kv.atomic();
  for (const each of subscriptions) atomic.delete(subscriptionKey(each));
  await withDeadline("taking out what is not active", atomic.commit());
}

/** The eras in which something may be written. */
export async function listEras(kv: Deno.Kv, unread: Unread): Promise<Era[]> {
  const eras = Array.fromAsync(kv.list<unknown>({ prefix: [ERA] }));
  return (await withDeadline("listing eras", eras)).flatMap(({ key, value, versionstamp }) => {
    const record = decodeRecord(value, eraShape);
    if (!record) return unread(key), [];
    const { worker, nonce, buriedBy } = record, its = { id: key[1] as string, versionstamp };
    return [{ ...its, worker, nonce, ...(buriedBy !== undefined && { buriedBy }) }];
  });
}

/** Forgets an era of which nothing is left. */
export async function forgetEra(kv: Deno.Kv, id: string): Promise<void> {
  await withDeadline("forgetting an era", kv.delete(eraKey(id)));
}

/** Reads what is asked for, of all eras, up to a limit. */
export async function listActive(
  kv: Deno.Kv,
  { matcher, subscriber }: Query,
  limit: number,
  unread: Unread,
): Promise<StoredSubscription[]> {
  if (matcher && subscriber !== undefined) return await getActive(kv, { ...matcher, subscriber }, unread);
  const entries = kv.list<unknown>({ prefix: matcher ? matcherKey(matcher) : [ACTIVE] }, { limit, batchSize: 500 });
  const found = await withDeadline("listing what is active", Array.fromAsync(entries));
  return found.flatMap((entry) => toSubscriptions(entry, unread));
}

/** Milliseconds: of a cell with many streams that is a long list. */
const LIST_DEADLINE = 60_000;

/** Reads all that was written in an era and is still there, in the order of its keys. */
export async function listEra(kv: Deno.Kv, era: string, unread: Unread): Promise<ActiveSubscription[]> {
  const found: ActiveSubscription[] = [];
  const reading = (async () => {
    for await (const entry of kv.list<unknown>({ prefix: [ACTIVE] }, { batchSize: 500 })) {
      for (const { era: its, ...each } of toSubscriptions(entry, unread)) if (its === era) found.push(each);
    }
  })();
  await withDeadline("listing an era", reading, LIST_DEADLINE);
  return found;
}

async function getActive(kv: Deno.Kv, asked: ActiveSubscription, unread: Unread): Promise<StoredSubscription[]> {
  const entry = await withDeadline("reading what is active", kv.get<unknown>(subscriptionKey(asked)));
  return entry.versionstamp === null ? [] : toSubscriptions(entry, unread);
}

/** None when it cannot be read. */
function toSubscriptions({ key, value }: { key: Deno.KvKey; value: unknown }, unread: Unread): StoredSubscription[] {
  const record = decodeRecord(value, subscriptionShape);
  if (!record) return unread(key), [];
  const { era, type, match, payload } = record;
  return [{ era, type, match, subscriber: key[2] as string, ...(payload && { payload }) }];
}
