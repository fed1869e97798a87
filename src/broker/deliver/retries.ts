/**
 * The retries of one shard, as they stand in KV and as they were changed since: its owner alone writes them. An entry is
 * kept in memory while it is not written down, while it is being tried, and while somebody reads its topic from KV.
 */
import { merge, type Merged } from "../../model/merge.ts";
import { deleteDue, type Due, type ReadRetry, replaceRetry, type Retry, type RetryName } from "../../store/retries.ts";
import type { Mutation } from "../../store/shards.ts";

/** `storedAt` is when the retry that KV holds is due. `again` is what came while it was being tried. */
export type Entry = {
  name: RetryName;
  retry: Retry | undefined;
  storedAt: number | undefined;
  active: boolean;
  again?: Merged;
};

export type Retries = ReturnType<typeof createRetries>;

export function createRetries(shard: number) {
  const topics = new Map<string, Map<string, Entry>>();
  const dirty = new Set<Entry>();
  const held = new Map<string, number>();
  const stale: Due[] = [];
  let nextDue = -Infinity;

  /**
   * The entry of a subscriber; `read` is what KV was found to hold, which counts where nothing newer is known. The topic
   * must have been held since before it was read.
   */
  function find(name: RetryName, read?: ReadRetry): Entry | undefined {
    return topics.get(name.hash)?.get(name.id) ?? (read?.retry && keep(name, read.retry, read.retry.at));
  }

  function keep(name: RetryName, retry: Retry | undefined, storedAt: number | undefined): Entry {
    const entry: Entry = { name, retry, storedAt, active: false };
    const topic = topics.get(name.hash);
    if (topic) topic.set(name.id, entry);
    else topics.set(name.hash, new Map([[name.id, entry]]));
    return entry;
  }

  /** Replaces what is to be tried, or ends it. */
  function set(entry: Entry, retry: Retry | undefined): void {
    entry.retry = retry;
    dirty.add(entry);
    if (retry) nextDue = Math.min(nextDue, retry.at);
  }

  /** Adds to what is to be tried: it goes out together, when that is due. */
  function add(name: RetryName, retry: Retry, read?: ReadRetry): Entry {
    const entry = find(name, read) ?? keep(name, undefined, undefined);
    if (entry.active) entry.again = entry.again ? merge(entry.again, retry.merged) : retry.merged;
    set(entry, entry.retry ? join(entry.retry, retry) : retry);
    return entry;
  }

  /** What must be written. It counts as written from here on: the lease repeats it until it is. */
  function take(): Mutation[] {
    const mutations = stale.splice(0).map((due) => deleteDue(shard, due));
    for (const entry of dirty) {
      mutations.push(...replaceRetry(shard, entry.name, entry.storedAt, entry.retry));
      entry.storedAt = entry.retry?.at;
    }
    dirty.clear();
    return mutations;
  }

  /** Forgets what KV holds as well. */
  function forget(): void {
    for (const [hash, topic] of topics) {
      if (held.has(hash)) continue;
      for (const [id, entry] of topic) if (!entry.active && !dirty.has(entry)) topic.delete(id);
      if (topic.size === 0) topics.delete(hash);
    }
  }

  /** From now on nothing of the topic is forgotten, so that what is read from KV is never newer than what is kept. */
  function hold(hash: string): void {
    held.set(hash, (held.get(hash) ?? 0) + 1);
  }

  function release(hash: string): void {
    const count = held.get(hash)! - 1;
    if (count > 0) held.set(hash, count);
    else held.delete(hash);
  }

  function soonest(): number {
    const kept = topics.values().flatMap((topic) => topic.values()).filter(({ active }) => !active);
    return kept.reduce((at, { retry }) => Math.min(at, retry?.at ?? Infinity), Infinity);
  }

  return {
    find,
    set,
    add,
    take,
    forget,
    hold,
    release,
    /** Ends an entry of the index that no retry stands behind. */
    dropDue: (due: Due) => void stale.push(due),
    /** How many were found to be due. */
    due: 0,
    isDirty: () => dirty.size > 0 || stale.length > 0,
    /** Milliseconds since 1970: nothing is due before. */
    nextDue: () => nextDue,
    /** What KV holds is about to be looked through: from here on only what is kept counts, and what will be added. */
    beginLooking: () => void (nextDue = soonest()),
    /** When the next one that KV holds is due. */
    foundDue: (at: number) => void (nextDue = Math.min(nextDue, at)),
  };
}

function join(retry: Retry, more: Retry): Retry {
  return { ...retry, merged: merge(retry.merged, more.merged), until: Math.max(retry.until, more.until) };
}
