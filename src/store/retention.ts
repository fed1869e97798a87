/**
 * Retention: batches live for a day and within a byte budget; what proves that a SET was seen lives for its freshness
 * window. Pruned by small range deletes of our own: a mass expiry blocks the embedded database for seconds.
 */
import { withDeadline } from "./deadline.ts";
import { journalKey, publishedIdKey, readAfter, seenKey, SPENT } from "./journal.ts";
import type { Unread } from "./set_aside.ts";
import { list, members, number, type Shape, text, versionstamp } from "./shape.ts";
import { before, EARLIEST } from "../model/position.ts";
import { readShards } from "./shards.ts";

const HOUR = 3_600_000;

export const RETENTION = { milliseconds: 24 * HOUR, bytes: 256 * 1024 * 1024 };

/** Longer than the freshness window of a SET with its tolerance, so that none can be replayed after it. */
const SPENT_FOR = 24 * HOUR + 5 * 60_000;

/** KV allows 1,000 mutations a commit; half of that keeps each commit short. */
const MAX_DELETES = 500;

const HORIZON = ["horizon"];

/** Behind every versionstamp. */
const NEWEST = "g";

/** What `spent` holds of each batch: when it came, how large it is, and the keys that must go with it. */
type Spent = { versionstamp: string; at: number; bytes: number; seen: string[]; published: string[] };

/** `pruned`: batches up to it are gone. `counted`: batches up to it are in `bytes`. Both versionstamps. */
type Horizon = { pruned: string; counted: string; bytes: number };

/** The horizon as it stands in the database, and the version to check. */
type Stored = { state: Horizon; versionstamp: string | null; isRebuilt?: true };

export type Pruned = { batches: number; bytes: number; unread: Deno.KvKey[] };

const BEFORE_ALL: Horizon = { pruned: EARLIEST.versionstamp, counted: EARLIEST.versionstamp, bytes: 0 };

const horizonShape = members<Horizon>({ pruned: versionstamp, counted: versionstamp, bytes: number });

/** No more and no longer than what fits a commit of deletions. */
const hash: Shape<string> = (value): value is string => text(value) && value.length <= 200;
const hashes = list(hash, { max: 400 });
const spentShape = members<Omit<Spent, "versionstamp">>({
  at: number,
  bytes: number,
  seen: hashes,
  published: hashes,
});

/** The newest versionstamp that was pruned: whoever stands before it has missed something. */
export async function readHorizon(kv: Deno.Kv): Promise<string> {
  return (await readState(kv)).state.pruned;
}

/**
 * Prunes what is too old or over the budget, and what every shard has read. Says how many batches went, and how many bytes
 * are left; `unread` are the keys of what could not be read, which stays.
 */
export async function prune(kv: Deno.Kv, now: number, limits = RETENTION): Promise<Pruned> {
  const before = await readState(kv);
  const read = await readByAll(kv);
  const unread: Deno.KvKey[] = before.isRebuilt ? [HORIZON] : [];
  const report = (key: Deno.KvKey) => void unread.push(key);
  const counted = await count(kv, before.state, report);
  const batches = await pruneBatches(kv, before, counted, {
    oldest: now - limits.milliseconds,
    budget: limits.bytes,
    read,
  });
  await pruneSpent(kv, now - SPENT_FOR, counted.pruned, report);
  return { batches, bytes: counted.bytes, unread };
}

async function readState(kv: Deno.Kv): Promise<Stored> {
  const { value, versionstamp } = await withDeadline("reading the horizon", kv.get<unknown>(HORIZON));
  if (versionstamp === null) return { state: BEFORE_ALL, versionstamp };
  if (horizonShape(value)) return { state: value, versionstamp };
  return { state: await rebuild(kv), versionstamp, isRebuilt: true };
}

/** A horizon that cannot be read is where the journal begins: nobody who missed something is told that there is nothing. */
async function rebuild(kv: Deno.Kv): Promise<Horizon> {
  const [oldest] = await readAfter(kv, EARLIEST.versionstamp, 1);
  const pruned = oldest ? before(oldest.versionstamp) : EARLIEST.versionstamp;
  return { pruned, counted: pruned, bytes: 0 };
}

/** The versionstamp up to which every shard has read; a record that we cannot read may tell of nothing. */
async function readByAll(kv: Deno.Kv): Promise<string> {
  const begun = (await readShards(kv)).filter(({ versionstamp }) => versionstamp !== null);
  return begun.map(({ record }) => record?.cursor ?? EARLIEST.versionstamp).sort()[0] ?? NEWEST;
}

async function count(kv: Deno.Kv, state: Horizon, unread: Unread): Promise<Horizon> {
  const counted = { ...state };
  for await (const { versionstamp, bytes } of spentAfter(kv, state.counted, unread)) {
    counted.bytes += bytes;
    counted.counted = versionstamp;
  }
  return counted;
}

type Bounds = { oldest: number; budget: number; read: string };

/** The horizon is checked and set with every deletion: of two pruners one stops. */
async function pruneBatches(kv: Deno.Kv, before: Stored, state: Horizon, { oldest, budget, read }: Bounds) {
  let batches = 0, deletes = 0, checked = before.versionstamp;
  let atomic = kv.atomic();
  const flush = async () => {
    atomic.check({ key: HORIZON, versionstamp: checked }).set(HORIZON, state);
    const result = await withDeadline("pruning batches", atomic.commit());
    [atomic, deletes] = [kv.atomic(), 0];
    if (result.ok) checked = result.versionstamp;
    return result.ok;
  };
  for await (const spent of spentAfter(kv, state.pruned)) {
    // The newest batch stays: its place is the head, by which quiet readers resume.
    if (spent.versionstamp === state.counted || spent.versionstamp > read) break;
    if (spent.at >= oldest && state.bytes <= budget) break;
    atomic.delete(journalKey(spent.versionstamp));
    for (const hash of spent.published) atomic.delete(publishedIdKey(hash, spent.versionstamp));
    state.pruned = spent.versionstamp;
    state.bytes -= spent.bytes;
    batches++;
    deletes += 1 + spent.published.length;
    if (deletes >= MAX_DELETES && !await flush()) return batches;
  }
  // A quiet server's disk is left asleep.
  if (deletes > 0 || state.counted !== before.state.counted) await flush();
  return batches;
}

async function pruneSpent(kv: Deno.Kv, oldest: number, pruned: string, unread: Unread): Promise<void> {
  let atomic = kv.atomic(), deletes = 0;
  for await (const { versionstamp, at, seen } of spentAfter(kv, EARLIEST.versionstamp, unread)) {
    if (at >= oldest || versionstamp > pruned) break;
    atomic.delete([SPENT, versionstamp]);
    for (const hash of seen) atomic.delete(seenKey(hash));
    deletes += 1 + seen.length;
    if (deletes < MAX_DELETES) continue;
    await withDeadline("pruning spent keys", atomic.commit());
    [atomic, deletes] = [kv.atomic(), 0];
  }
  if (deletes > 0) await withDeadline("pruning spent keys", atomic.commit());
}

/** Calls `unread` with what cannot be read; its batch stays. */
async function* spentAfter(kv: Deno.Kv, after: string, unread: Unread = () => {}): AsyncGenerator<Spent> {
  const entries = kv.list<unknown>({ start: [SPENT, after, 0], end: [SPENT, "g"] });
  while (true) {
    const { value: entry, done } = await withDeadline("reading spent keys", entries.next());
    if (done) return;
    if (spentShape(entry.value)) yield { ...entry.value, versionstamp: entry.key[1] as string };
    else unread(entry.key);
  }
}
