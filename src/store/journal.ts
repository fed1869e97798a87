/**
 * The journal: an ordered log of batches. The database numbers the commits itself, so nothing can appear behind a
 * reader. One commit holds the batch, what proves that it was not seen before, and the bell that wakes every reader.
 */
import { CarillonError } from "../errors.ts";
import { KV_DEADLINE, withDeadline } from "./deadline.ts";
import { decodeBatch } from "./batch.ts";
import type { Change } from "../model/change.ts";
import { EARLIEST, type Position } from "../model/position.ts";
import type { Unread } from "./set_aside.ts";

/** KV Connect allows ten checks a commit; one is kept free. */
export const MAX_SEEN_A_COMMIT = 9;

/** A KV value holds 65,536 bytes; the rest is for the serializer's own header. */
export const MAX_BATCH_BYTES = 60 * 1024;

const JOURNAL = "journal";
export const SPENT = "spent";
const BELL = ["bell"];

export const journalKey = (versionstamp: string) => [JOURNAL, versionstamp];
const afterKey = (versionstamp: string) => [JOURNAL, versionstamp, 0];
export const seenKey = (hash: string) => ["seen", hash];
const publishedIds = (hash: string) => ["published_id", hash];
export const publishedIdKey = (hash: string, versionstamp: string) => [...publishedIds(hash), versionstamp];

/** A batch as it was read. `changes` is undefined when it cannot be read. */
export type Batch = { versionstamp: string; bytes: number; changes: Change[] | undefined };

/**
 * What is to be committed. `seen` are hashes that must not be there yet: the `jti` of each SET, or one random one.
 * `nonce` tells this attempt from every other. `published` are hashes of publishers' own ids and their index.
 */
export type Draft = {
  value: Uint8Array<ArrayBuffer>;
  seen: string[];
  nonce: string;
  /** The newest batch that must still be the newest; then nothing lies between it and this one. */
  follows?: string;
  published: { hash: string; index: number }[];
  now: number;
};

/** `known` maps each hash that stood in the way to the nonce and versionstamp of the commit that wrote it. */
export type Appended =
  | { ok: true; versionstamp: string }
  | { ok: false; known: Map<string, { nonce: string; versionstamp: string }> };

/** Commits a batch, or says which hashes were known. Throws `kv_failed` or `kv_timeout`, as `withDeadline` does. */
export async function append(kv: Deno.Kv, draft: Draft): Promise<Appended> {
  const result = await withDeadline("committing a batch", commit(kv, draft));
  if (result.ok) return { ok: true, versionstamp: result.versionstamp };
  // Until these are read nobody knows whether it was this very commit, repeated, that stands in the way.
  return { ok: false, known: await knownOf(kv, draft.seen).catch(unknown) };
}

function unknown(): never {
  throw new CarillonError("kv_timeout", "committing a batch: whether it was stored could not be read");
}

function commit(kv: Deno.Kv, { value, seen, nonce, follows, published, now }: Draft) {
  const atomic = kv.atomic();
  if (follows !== undefined) {
    atomic.check({ key: BELL, versionstamp: follows === EARLIEST.versionstamp ? null : follows });
  }
  for (const hash of seen) atomic.check({ key: seenKey(hash), versionstamp: null }).set(seenKey(hash), nonce);
  for (const { hash, index } of published) atomic.set([...publishedIds(hash), kv.commitVersionstamp()], index);
  return atomic
    .set([JOURNAL, kv.commitVersionstamp()], value)
    .set([SPENT, kv.commitVersionstamp()], {
      at: now,
      bytes: value.byteLength,
      seen,
      published: published.map((p) => p.hash),
    })
    .set(BELL, nonce)
    .commit();
}

async function knownOf(kv: Deno.Kv, seen: string[]) {
  const entries = await withDeadline("reading known ids", kv.getMany<string[]>(seen.map(seenKey)));
  const found = entries.flatMap(({ value, versionstamp }, index) =>
    versionstamp === null ? [] : [[seen[index]!, { nonce: value as string, versionstamp }] as const]
  );
  return new Map(found);
}

/** Reads up to `limit` batches after a versionstamp, in commit order. */
export async function readAfter(kv: Deno.Kv, versionstamp: string, limit: number): Promise<Batch[]> {
  const range = { start: afterKey(versionstamp), end: [JOURNAL, "g"] };
  return await withDeadline("reading the journal", collect(kv.list(range, { limit, batchSize: Math.min(limit, 100) })));
}

/** Reads the newest batches, oldest first, until they hold `bytes` or number `limit`. */
export async function readNewest(kv: Deno.Kv, bytes: number, limit: number): Promise<Batch[]> {
  const all = { start: afterKey(EARLIEST.versionstamp), end: [JOURNAL, "g"] };
  const newest = kv.list(all, { reverse: true, limit, batchSize: 50 });
  return (await withDeadline("filling the ring", collect(newest, bytes), 60_000)).reverse();
}

async function collect(entries: Deno.KvListIterator<unknown>, budget = Infinity): Promise<Batch[]> {
  const batches: Batch[] = [];
  for await (const { key, value } of entries) {
    const bytes = value instanceof Uint8Array ? value.byteLength : 0;
    batches.push({ versionstamp: key[1] as string, bytes, changes: decodeBatch(value) });
    if ((budget -= bytes) <= 0) break;
  }
  return batches;
}

/** The versionstamp of the newest batch: the bell is written in every commit, so they are equal. */
export async function readBell(kv: Deno.Kv, milliseconds = KV_DEADLINE): Promise<string> {
  const { versionstamp } = await withDeadline("reading the bell", kv.get(BELL), milliseconds);
  return versionstamp ?? EARLIEST.versionstamp;
}

/** Rings whenever a batch was committed; coalesced. The reader must be cancelled. */
export function watchBell(kv: Deno.Kv): ReadableStreamDefaultReader<[Deno.KvEntryMaybe<unknown>]> {
  return kv.watch<[unknown]>([BELL]).getReader();
}

/**
 * Where an event with a publisher's own id stands. Two publishers may have chosen the same: the oldest place counts, since
 * reading an event again does no harm, and missing one does; so does the whole batch where the place in it cannot be read.
 */
export async function findPublishedId(kv: Deno.Kv, hash: string, unread: Unread): Promise<Position | undefined> {
  const places = kv.list({ start: publishedIdKey(hash, ""), end: publishedIdKey(hash, "g") }, { limit: 1 });
  const [first] = await withDeadline("finding an id", Array.fromAsync(places));
  if (!first) return undefined;
  const { key, value } = first, versionstamp = key.at(-1) as string;
  if (Number.isSafeInteger(value)) return { versionstamp, index: value as number };
  unread(key);
  return { versionstamp, index: -1 };
}
