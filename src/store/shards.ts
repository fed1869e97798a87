/** Shards: who owns one, and how far it got. Every commit of a shard checks its record, so that a lost owner cannot write. */
import { SHARDS } from "../model/shard.ts";
import { withDeadline } from "./deadline.ts";
import { decodeRecord, encodeRecord } from "./record.ts";
import { members, text, textOrNull, versionstamp } from "./shape.ts";

/**
 * `owner` is a worker, or null when it was given back. Everything in the journal up to `cursor` has an outcome, or stands
 * in a window or a retry. `nonce` tells one write from every other.
 */
export type ShardRecord = { owner: string | null; cursor: string; nonce: string };

const shape = members<ShardRecord>({ owner: textOrNull, cursor: versionstamp, nonce: text });

/** `record` is undefined when there is none yet, or none that can be read. */
export type ShardState = { versionstamp: string | null; record: ShardRecord | undefined };

/** One key that a shard's commit sets, or deletes when there is no value. */
export type Mutation = { key: Deno.KvKey; value?: unknown };

export const shardKey = (shard: number) => ["shard", shard];

/** Reads the records of all shards. */
export async function readShards(kv: Deno.Kv): Promise<ShardState[]> {
  const keys = Array.from({ length: SHARDS }, (_, shard) => shardKey(shard));
  const halves = [keys.slice(0, SHARDS / 2), keys.slice(SHARDS / 2)].map((half) => kv.getMany<unknown[]>(half));
  return (await withDeadline("reading the shards", Promise.all(halves))).flat().map(toState);
}

function toState({ value, versionstamp }: Deno.KvEntryMaybe<unknown>): ShardState {
  return { versionstamp, record: decodeRecord(value, shape) };
}

/**
 * Writes a shard's record and what goes with it over the version that was found. Answers the new version; undefined when
 * another one stands there, which was not written by this very call. Throws `kv_failed` or `kv_timeout`.
 */
export async function commitShard(
  kv: Deno.Kv,
  shard: number,
  versionstamp: string | null,
  record: ShardRecord,
  mutations: Mutation[] = [],
): Promise<string | undefined> {
  const key = shardKey(shard);
  const atomic = kv.atomic().check({ key, versionstamp }).set(key, encodeRecord(record));
  for (const { key, value } of mutations) value === undefined ? atomic.delete(key) : atomic.set(key, value);
  const result = await withDeadline("committing a shard", atomic.commit());
  return result.ok ? result.versionstamp : await findOwnWriting(kv, key, record.nonce);
}

/** KV Connect repeats a commit whose answer was lost: the check then fails on our own writing. */
async function findOwnWriting(kv: Deno.Kv, key: Deno.KvKey, nonce: string): Promise<string | undefined> {
  const { versionstamp, record } = toState(await withDeadline("reading a shard again", kv.get(key)));
  return record?.nonce === nonce ? versionstamp! : undefined;
}
