/**
 * Which shards are ours. A shard that was given back, or never had an owner, is taken at once; one whose owner has lapsed
 * when there is work for it. An owner without work renews nothing: only one that leaves work undone is dead. Who has its
 * share already leaves what is free to the others, as long as one of them comes for it.
 */
import { SHARDS } from "../../model/shard.ts";
import { setAside } from "../../store/set_aside.ts";
import { commitShard, readShards, shardKey, type ShardState } from "../../store/shards.ts";
import type { DeliverDeps } from "./deps.ts";
import { createLease } from "./lease.ts";
import { createShard, type Shard } from "./shard.ts";
import { createSightings } from "./sightings.ts";

/** Milliseconds for which a worker keeps more than its share after nobody came for what it had left to the others. */
const NOBODY_CAME = 5 * 60_000;

const ALL = Array.from({ length: SHARDS }, (_, shard) => shard);

type Deps = {
  deps: DeliverDeps;
  /** Whether a shard is ours. */
  has: (shard: number) => boolean;
  /** The newest batch that this process has seen: where a shard begins that nobody ever had. */
  head: () => string;
  /** Whether something of a shard is to be done that its cursor does not tell. */
  hasWork: (shard: number) => Promise<boolean>;
  /** Called with each shard that was taken. */
  taken: (shard: Shard) => void;
  stopping: AbortSignal;
};

export type Ownership = ReturnType<typeof createOwnership>;

export function createOwnership({ deps, has, head, hasWork, taken, stopping }: Deps) {
  const { kv, clock, worker, workers, embedded } = deps;
  const sightings = createSightings(clock);
  let foreign: string[] = [];
  let looking: Promise<void> | undefined;
  let share = SHARDS, greedyUntil = -Infinity;

  /** Takes the shards that may be taken, one look after the other. Throws `kv_failed` or `kv_timeout`. */
  function look(options?: { all: boolean }): Promise<void> {
    return looking ??= lookNow(options).finally(() => looking = undefined);
  }

  async function lookNow({ all = false } = {}): Promise<void> {
    foreign = [];
    share = embedded ? SHARDS : Math.ceil(SHARDS / await workers());
    if (ALL.every(has)) return;
    const states = await readShards(kv);
    foreign = states.flatMap(({ record }, number) => record && !has(number) ? [record.cursor] : []);
    for (const [number, state] of states.entries()) {
      if (stopping.aborted) return;
      if (has(number) || isUnknown(number, state) || !(all || await mayTake(number, state))) continue;
      const shard = await take(number, state);
      // At once: a fault of the next one must not leave it without anybody.
      if (shard) taken(shard);
    }
  }

  function isUnknown(number: number, { versionstamp, record }: ShardState): boolean {
    if (versionstamp === null || record) return false;
    setAside(deps, "shard", shardKey(number));
    return true;
  }

  async function mayTake(number: number, { versionstamp, record }: ShardState): Promise<boolean> {
    if (!record || record.owner === null) return ALL.filter(has).length < share || isLeft(number, versionstamp);
    // It is ours when we could not know that a commit of ours had been written.
    if (record.owner === worker) return true;
    if (record.cursor >= head() && !await hasWork(number)) return sightings.forget(`${number}`), false;
    return sightings.hasLapsed(`${number}`, versionstamp!);
  }

  /** Nobody came for it. */
  function isLeft(number: number, versionstamp: string | null): boolean {
    const left = sightings.hasLapsed(`${number}`, versionstamp ?? "");
    if (left) greedyUntil = clock.elapsed() + NOBODY_CAME;
    return left;
  }

  async function take(number: number, { versionstamp, record }: ShardState): Promise<Shard | undefined> {
    const cursor = record?.cursor ?? head();
    const mine = { owner: worker, cursor, nonce: crypto.randomUUID() };
    const written = await commitShard(kv, number, versionstamp, mine);
    if (written === undefined) return undefined;
    const lease = createLease({ kv, clock, worker, shard: number, versionstamp: written, cursor });
    return createShard(deps, number, lease, { stopping, isFresh: record?.owner === null });
  }

  return {
    look,
    /** Resolves when nothing is being taken. */
    settled: async () => void await looking?.catch(() => {}),
    /** Shards that this worker may keep, as of the last look. */
    share: () => clock.elapsed() < greedyUntil ? SHARDS : share,
    /** How far the shards of others had got when we last looked. */
    foreign: () => foreign,
  };
}
