/**
 * Subscriptions: the record, and every key that leads to it, written together. Each write checks the version that it read;
 * a deletion leaves a tombstone for a day, so that a late write cannot raise the dead.
 */
import { CarillonError } from "../errors.ts";
import { shardOf } from "../model/shard.ts";
import type { Subscription } from "../model/subscription.ts";
import { countChange } from "./counts.ts";
import { withDeadline } from "./deadline.ts";
import { readMany } from "./read_many.ts";
import { decodeRecord, encodeRecord, MAX_RECORD_BYTES } from "./record.ts";
import { members, number, optional, text } from "./shape.ts";
import type { Mutation } from "./shards.ts";
import { subscription as shape } from "./subscription_shape.ts";
import { subscriberEntry } from "./subscribers.ts";

/** Bytes of what stands with all topics together, so that a commit holds it: 819,200. */
const MAX_BYTES = 600_000;

/** Characters of an owner, which stands in keys: a hash has 22. */
const MAX_OWNER = 200;

const TOMBSTONE_LIFE = 24 * 3_600_000;

/** A push that is of no topic: how often it was tried, when it is due, until when, and why the last was not taken. */
export type Initial = { attempt: number; at: number; until: number; reason?: string };

/** A subscription as it is kept; `initial` until it is confirmed, and while it is to be told of a new VAPID key. */
export type Kept = { subscription: Subscription; initial?: Initial };

/**
 * What stands under an id: something kept, a tombstone until `deletedUntil`, a record that cannot be read, or nothing. `versionstamp` is what a write must find again.
 */
export type Found = {
  id: string;
  versionstamp: string | null;
  kept?: Kept;
  deletedUntil?: number;
  unknown?: true;
};

type Tombstone = { deletedUntil: number };
type Written = (Kept | Tombstone) & { nonce: string };
type Entry = [key: Deno.KvKey, value: unknown];

const tombstone = members<Tombstone>({ deletedUntil: number });
const kept = members<Kept>({
  subscription: shape,
  initial: optional(members<Initial>({ attempt: number, at: number, until: number, reason: optional(text) })),
});
const isWritten = (value: unknown): value is Kept | Tombstone => tombstone(value) || kept(value);
const nonced = members<{ nonce: string }>({ nonce: text });

export const SUBSCRIPTION = ["subscription"];
export const subscriptionKey = (id: string) => [...SUBSCRIPTION, id];
const owned = (owner: string) => ["by_owner", owner];
const initials = (shard: number) => ["initial", shard];
export const ENDS = "ends";

/** Reads what stands under an id. */
export async function findSubscription(kv: Deno.Kv, id: string): Promise<Found> {
  return toFound(id, await withDeadline("reading a subscription", kv.get(subscriptionKey(id))));
}

/** Reads several at once, in their order. */
export async function findSubscriptions(kv: Deno.Kv, ids: string[]): Promise<Found[]> {
  const found = await readMany(kv, "reading subscriptions", ids.map(subscriptionKey));
  return found.map((entry, index) => toFound(ids[index]!, entry));
}

function toFound(id: string, { value, versionstamp }: Deno.KvEntryMaybe<unknown>): Found {
  if (versionstamp === null) return { id, versionstamp };
  const written = decodeRecord(value, isWritten);
  if (!written) return { id, versionstamp, unknown: true };
  if ("deletedUntil" in written) return { id, versionstamp, deletedUntil: written.deletedUntil };
  if (!isWritable(id, written)) return { id, versionstamp, unknown: true };
  const { subscription, initial } = written;
  return { id, versionstamp, kept: initial ? { subscription, initial } : { subscription } };
}

/** What could not be written back would be tried again for ever. */
function isWritable(id: string, { subscription }: Kept): boolean {
  const bytes = JSON.stringify(subscription.triggers).length * subscription.topics.length;
  const isSmall = bytes <= MAX_BYTES && subscription.owner.length <= MAX_OWNER;
  return isSmall && subscription.id === id && URL.canParse(subscription.address);
}

/**
 * Writes a subscription over what was found, and more with it. False when somebody else wrote meanwhile: find it again.
 * Throws `too_large`, `kv_failed` or `kv_timeout`.
 */
export async function saveSubscription(kv: Deno.Kv, found: Found, kept: Kept, more: Mutation[] = []): Promise<boolean> {
  const entries = entriesOf(kept);
  checkSize(entries);
  return await write(kv, found, kept, kept, [...entries, ...more.map(({ key, value }): Entry => [key, value])]);
}

/** The triggers and the keys stand with every topic. */
function checkSize(entries: Entry[]): void {
  const bytes = entries.reduce((sum, [, value]) => sum + (value instanceof Uint8Array ? value.byteLength : 0), 0);
  if (bytes > MAX_BYTES) {
    throw new CarillonError("too_large", "the subscription is too large: its triggers are too long");
  }
}

/** Ends a subscription, which must be there. False when somebody else wrote meanwhile. */
export async function removeSubscription(kv: Deno.Kv, found: Found, now: number): Promise<boolean> {
  const deletedUntil = now + TOMBSTONE_LIFE;
  return await write(kv, found, undefined, { deletedUntil }, [[[ENDS, deletedUntil, found.id], 0]]);
}

async function write(
  kv: Deno.Kv,
  { id, versionstamp, kept: before }: Found,
  after: Kept | undefined,
  record: Kept | Tombstone,
  entries: Entry[],
): Promise<boolean> {
  const key = subscriptionKey(id);
  const nonce = crypto.randomUUID();
  const atomic = kv.atomic().check({ key, versionstamp }).set(key, encode({ ...record, nonce }));
  replaceEntries(atomic, before ? entriesOf(before) : [], entries);
  await countChange(kv, atomic, before, after);
  const result = await withDeadline("writing a subscription", atomic.commit());
  // KV Connect repeats a commit whose answer was lost: the check then fails on our own writing.
  return result.ok || await isWrittenBy(kv, key, nonce);
}

function encode(written: Written): Uint8Array {
  const value = encodeRecord(written);
  if (value.byteLength <= MAX_RECORD_BYTES) return value;
  throw new CarillonError("too_large", "the subscription is too large: its topics are too long together");
}

async function isWrittenBy(kv: Deno.Kv, key: Deno.KvKey, nonce: string): Promise<boolean> {
  const { value } = await withDeadline("reading a subscription again", kv.get(key));
  return decodeRecord(value, nonced)?.nonce === nonce;
}

/** Every key that leads to a subscription, and what stands there. */
export function entriesOf({ subscription, initial }: Kept): Entry[] {
  const { id, owner, topics } = subscription;
  return [
    [[...owned(owner), id], 0],
    [[ENDS, Math.min(...topics.map(({ expiresAt }) => expiresAt)), id], 0],
    ...(initial ? [initialEntry(id, initial)] : []),
    ...topics.map((topic) => subscriberEntry(subscription, topic)),
  ];
}

function initialEntry(id: string, { at }: Initial): Entry {
  return [[...initials(shardOf(id)), at, id], 0];
}

function replaceEntries(atomic: Deno.AtomicOperation, before: Entry[], after: Entry[]) {
  const kept = new Set(after.map(([key]) => key.join()));
  for (const [key] of before) if (!kept.has(key.join())) atomic.delete(key);
  for (const [key, value] of after) atomic.set(key, value);
}

/** Some of all that stands under ids, in their order; tombstones are among them. */
export async function listSubscriptions(kv: Deno.Kv, limit: number): Promise<Found[]> {
  const entries = kv.list<unknown>({ prefix: SUBSCRIPTION }, { limit });
  const found = Array.fromAsync(entries, (entry) => toFound(entry.key[1] as string, entry));
  return await withDeadline("listing all subscriptions", found);
}

/** The subscriptions of an owner behind an id, in the order of their ids; `last` where there may be more behind it. */
export async function listOwned(kv: Deno.Kv, owner: string, after: string, limit: number) {
  const range = { start: [...owned(owner), `${after}\0`], end: [...owned(owner), "~"] };
  const entries = kv.list(range, { limit });
  const ids = await withDeadline("listing subscriptions", Array.fromAsync(entries, ({ key }) => key[2] as string));
  const last = ids.length === limit ? ids.at(-1) : undefined;
  return { found: await findSubscriptions(kv, ids), last };
}

/** The initial pushes of a shard that are due, oldest first. */
export async function listInitials(kv: Deno.Kv, shard: number, now: number, limit: number) {
  const entries = kv.list({ start: initials(shard), end: [...initials(shard), now + 1] }, { limit });
  const due = Array.fromAsync(entries, ({ key }) => ({ at: key[2] as number, id: key[3] as string }));
  return await withDeadline("reading initial pushes", due);
}

/** Forgets an initial push that no subscription knows of any more. */
export async function forgetInitial(kv: Deno.Kv, shard: number, { at, id }: { at: number; id: string }): Promise<void> {
  await withDeadline("forgetting an initial push", kv.delete([...initials(shard), at, id]));
}
