/** Retries: what could not be delivered to one subscriber yet, and the index by which it is found when it is due. */
import type { Merged } from "../model/merge.ts";
import { withDeadline } from "./deadline.ts";
import { merged } from "./merged_shape.ts";
import { readMany } from "./read_many.ts";
import { decodeRecord, encodeRecord } from "./record.ts";
import { members, number, optional, text } from "./shape.ts";
import type { Mutation } from "./shards.ts";

/** `at` and `until` are milliseconds since 1970: when it is due, and when it is too late. `attempt` counts what was tried, `reason` is why the last was not taken. */
export type Retry = { topic: string; merged: Merged; attempt: number; at: number; until: number; reason?: string };

export const retryShape = members<Retry>({
  topic: text,
  merged,
  attempt: number,
  at: number,
  until: number,
  reason: optional(text),
});

/** A retry's name: the hash of its topic, and its subscriber's id. */
export type RetryName = { hash: string; id: string };

/** An entry of the index; stale unless the retry's `at` says the same. */
export type Due = RetryName & { at: number };

export const retryKey = ({ hash, id }: RetryName) => ["retry", hash, id];
const dues = (shard: number) => ["due", shard];
const dueKey = (shard: number, { at, hash, id }: Due) => [...dues(shard), at, hash, id];

/** Replaces a retry by another, or by none. `before` is when the one that stands there is due. */
export function replaceRetry(
  shard: number,
  name: RetryName,
  before: number | undefined,
  after: Retry | undefined,
): Mutation[] {
  const mutations: Mutation[] = [{ key: retryKey(name), value: after && encodeRecord(after) }];
  if (before !== undefined && before !== after?.at) mutations.push(deleteDue(shard, { ...name, at: before }));
  if (after && before !== after.at) mutations.push({ key: dueKey(shard, { ...name, at: after.at }), value: 0 });
  return mutations;
}

export function deleteDue(shard: number, due: Due): Mutation {
  return { key: dueKey(shard, due) };
}

/** A retry as it was read; `unknown` when its record cannot be read. */
export type ReadRetry = { retry?: Retry; unknown?: true };

/** Reads some retries, in the order of their names. */
export async function readRetries(kv: Deno.Kv, names: RetryName[]): Promise<ReadRetry[]> {
  return (await readMany(kv, "reading retries", names.map(retryKey))).map(toRead);
}

function toRead({ value, versionstamp }: Deno.KvEntryMaybe<unknown>): ReadRetry {
  if (versionstamp === null) return {};
  const retry = decodeRecord(value, retryShape);
  return retry ? { retry } : { unknown: true };
}

/** Reads the retries of a topic's subscribers whose ids lie between two, both included. */
export async function readTopicRetries(
  kv: Deno.Kv,
  hash: string,
  first: string,
  last: string,
): Promise<Map<string, ReadRetry>> {
  const range = { start: retryKey({ hash, id: first }), end: retryKey({ hash, id: `${last}\0` }) };
  const entries = kv.list<unknown>(range, { batchSize: 500 });
  const read = Array.fromAsync(entries, (entry) => [entry.key[2] as string, toRead(entry)] as const);
  return new Map(await withDeadline("reading retries", read));
}

/** What is due until a time, oldest first, behind an entry or from the beginning. */
export async function listDue(kv: Deno.Kv, shard: number, until: number, limit: number, after?: Due): Promise<Due[]> {
  const start = after ? [...dueKey(shard, after), 0] : dues(shard);
  const entries = kv.list({ start, end: [...dues(shard), until + 1] }, { limit });
  const toDue = ({ key }: Deno.KvEntry<unknown>): Due => {
    const [, , at, hash, id] = key as [string, number, number, string, string];
    return { at, hash, id };
  };
  return await withDeadline("reading what is due", Array.fromAsync(entries, toDue));
}

/** When the first retry behind a time is due; Infinity when there is none. */
export async function nextDue(kv: Deno.Kv, shard: number, after: number): Promise<number> {
  const entries = kv.list({ start: [...dues(shard), after + 1], end: [...dues(shard), Infinity] }, { limit: 1 });
  const [next] = await withDeadline("reading what is due", Array.fromAsync(entries, ({ key }) => key[2] as number));
  return next ?? Infinity;
}
