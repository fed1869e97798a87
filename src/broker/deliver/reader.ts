/**
 * Reading the journal for the shards: as it comes, or, for those that were just taken or had too much to do, from where
 * they stand.
 */
import type { Logger } from "@logtape/logtape";
import type { Clock } from "../../clock.ts";
import type { Metrics } from "../../metrics.ts";
import { HUB_TYPE } from "../../model/active_subscription.ts";
import type { Change } from "../../model/change.ts";
import { toMerged } from "../../model/merge.ts";
import { shardOf } from "../../model/shard.ts";
import { type Batch, journalKey, readAfter } from "../../store/journal.ts";
import { setAside } from "../../store/set_aside.ts";
import { topicHash } from "../../store/subscribers.ts";
import type { SeenBatch } from "../ring.ts";
import type { Schedule } from "./schedule.ts";
import type { Shard } from "./shard.ts";

const PAGE = 100;

/** Windows that wait at most; beyond, the shards stop reading, and go on from the journal when there is room. */
const MAX_WAITING = 100_000;

/** Milliseconds until it is looked again whether there is room. */
const PAUSE = 100;

/** Hashes of topics that are remembered: a busy topic is hashed once. */
const MAX_HASHES = 50_000;

type Deps = {
  kv: Deno.Kv;
  clock: Clock;
  log: Logger;
  metrics: Metrics;
  schedule: Schedule;
  shards: () => Iterable<Shard>;
  /** The newest batch that was seen before the first that `seen` is told of. */
  since: string;
  maxWaiting?: number;
};

export type Reader = ReturnType<typeof createReader>;

export function createReader(
  { kv, clock, log, metrics, schedule, shards, since, maxWaiting = MAX_WAITING }: Deps,
) {
  const hashes = new Map<string, string>();
  let head = since;

  /** Takes in a batch that this process has just seen. */
  function seen({ versionstamp, changes }: SeenBatch): void {
    head = versionstamp;
    // One that caught up may have read on from the journal, past what this process has seen.
    const live = [...shards()].filter(({ live, applied }) => live && applied < versionstamp);
    if (schedule.waiting() > maxWaiting) return live.forEach(fallBehind);
    const byNumber = new Map(live.map((shard) => [shard.number, shard]));
    for (const change of changes) apply(change, byNumber);
    for (const shard of live) shard.applied = versionstamp;
  }

  function apply(change: Change, live: Map<number, Shard>): void {
    // Nobody can subscribe to the hub's own topics.
    if (change.type === HUB_TYPE) return;
    const merged = toMerged(change), load = schedule.load();
    for (const topic of change.topics) {
      const hash = hashOf(topic);
      const shard = live.get(shardOf(hash));
      if (shard) schedule.schedule(shard, shard.take(hash, topic, merged, load));
    }
  }

  function hashOf(topic: string): string {
    const known = hashes.get(topic);
    if (known !== undefined) return known;
    if (hashes.size >= MAX_HASHES) hashes.clear();
    const hash = topicHash(topic);
    hashes.set(topic, hash);
    return hash;
  }

  function fallBehind(shard: Shard): void {
    shard.live = false;
    catchUp(shard).catch(() => {}); // the shard is lost
  }

  /** Reads on until the shard has all that was seen; from then on it is live, in the same turn. Throws when it is lost. */
  async function catchUp(shard: Shard): Promise<void> {
    const only = new Map([[shard.number, shard]]);
    while (!shard.live && !shard.stopping.aborted) {
      await hasRoom(shard.stopping);
      shard.lost.throwIfAborted();
      const seen = head;
      const batches = await shard.insist(() => readAfter(kv, shard.applied, PAGE));
      for (const batch of batches) applyBatch(batch, shard, only);
      // What was seen before the reading and was not read is there no more.
      if (batches.length === 0 && shard.applied < seen) shard.applied = seen;
      shard.live = shard.applied >= head;
    }
  }

  function applyBatch({ versionstamp, changes }: Batch, shard: Shard, only: Map<number, Shard>): void {
    if (!changes) setAside({ log, metrics }, "batch", journalKey(versionstamp));
    for (const change of changes ?? []) apply(change, only);
    shard.applied = versionstamp;
  }

  async function hasRoom(stopping: AbortSignal): Promise<void> {
    while (schedule.waiting() > maxWaiting / 2 && !stopping.aborted) await clock.wait(PAUSE, stopping);
  }

  return { seen, catchUp, head: () => head };
}
