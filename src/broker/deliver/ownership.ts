/**
 * Which shards are ours. A shard that was given back, or never had an owner, is taken at once; one whose owner has lapsed
 * when there is work for it. An owner without work renews nothing: only one that leaves work undone is dead.
 */
import { SHARDS } from "../../model/shard.ts";
import { commitShard, readShards, type ShardState } from "../../store/shards.ts";
import type { DeliverDeps } from "./deps.ts";
import { createLease } from "./lease.ts";
import { createShard, type Shard } from "./shard.ts";
import { createSightings } from "./sightings.ts";

const ALL = Array.from({ length: SHARDS }, (_, shard) => shard);

type Deps = {
  deps: DeliverDeps;
  /** Whether a shard is ours. */
  has: (shard: number) => boolean;
  /** The newest batch that this process has seen: where a shard begins that nobody ever had. */
  head: () => string;
  /** Whether something of a shard is to be done that its cursor does not tell. */
  hasWork: (shard: number) => Promise<boolean>;
  stopping: AbortSignal;
};

export type Ownership = ReturnType<typeof createOwnership>;

export function createOwnership({ deps, has, head, hasWork, stopping }: Deps) {
  const { kv, clock, worker, metrics, log } = deps;
  const sightings = createSightings(clock);
  let foreign: string[] = [];

  /** Looks at all shards that are not ours, and takes those that may be taken. Throws `kv_failed` or `kv_timeout`. */
  async function look({ all = false } = {}): Promise<Shard[]> {
    foreign = [];
    if (ALL.every(has)) return [];
    const states = await readShards(kv);
    foreign = states.flatMap(({ record }, number) => record && !has(number) ? [record.cursor] : []);
    const taken: Shard[] = [];
    for (const [number, state] of states.entries()) {
      if (has(number) || isUnknown(number, state) || !(all || await mayTake(number, state))) continue;
      const shard = await take(number, state);
      if (shard) taken.push(shard);
    }
    return taken;
  }

  function isUnknown(number: number, { versionstamp, record }: ShardState): boolean {
    if (versionstamp === null || record) return false;
    metrics.recordsSetAside.inc({ kind: "shard" });
    log.error(
      "a shard of an unknown version is not delivered: was the database written by a newer Carillon? {number}",
      {
        number,
      },
    );
    return true;
  }

  async function mayTake(number: number, { versionstamp, record }: ShardState): Promise<boolean> {
    if (!record || record.owner === null) return true;
    if (record.cursor >= head() && !await hasWork(number)) return false;
    return sightings.hasLapsed(`${number}`, versionstamp!);
  }

  async function take(number: number, { versionstamp, record }: ShardState): Promise<Shard | undefined> {
    const cursor = record?.cursor ?? head();
    const mine = { owner: worker, cursor, nonce: crypto.randomUUID() };
    const written = await commitShard(kv, number, versionstamp, mine);
    if (written === undefined) return undefined;
    const lease = createLease({ kv, clock, worker, shard: number, versionstamp: written, cursor });
    return createShard(deps, number, lease, stopping);
  }

  return {
    look,
    /** How far the shards of others had got when we last looked. */
    foreign: () => foreign,
  };
}
