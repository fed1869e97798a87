/**
 * Pages: a topic with very many subscribers is cut into slices by the first character of their ids, and each is leased to
 * any worker. What a page could not deliver is handed back to the shard, whose owner alone writes retries.
 */
import type { Delay } from "../model/delay.ts";
import type { Merged } from "../model/merge.ts";
import { withDeadline } from "./deadline.ts";
import { lighten } from "./lighten.ts";
import { classed, place } from "./merged_shape.ts";
import { decodeRecord, encodeRecord, MAX_RECORD_BYTES } from "./record.ts";
import { type Retry, type RetryName, retryShape } from "./retries.ts";
import { list, members, optional, text, textOrNull } from "./shape.ts";
import type { Mutation } from "./shards.ts";
import type { Place } from "./subscribers.ts";

/** What ids begin with, in the order of their keys. */
export const PREFIXES = [..."-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"];

export type PageName = { shard: number; hash: string; prefix: string };

/**
 * What is sent to a slice of a topic's subscribers. Those up to `after` were sent to before the topic was cut; in this
 * slice, all up to `position` have an outcome. `holder` is the worker that sends, or null.
 */
export type PageRecord = {
  topic: string;
  classes: { delay: Delay; merged: Merged }[];
  after: Place;
  position?: Place;
  holder: string | null;
  nonce: string;
};

const shape = members<PageRecord>({
  topic: text,
  classes: list(classed),
  after: place,
  position: optional(place),
  holder: textOrNull,
  nonce: text,
});

/** `page` is undefined when its record cannot be read. */
export type ReadPage = { name: PageName; versionstamp: string; page: PageRecord | undefined };

const PAGE = "page";
export const pageKey = ({ shard, hash, prefix }: PageName) => [PAGE, shard, hash, prefix];
const handbacks = (shard: number) => ["handback", shard];

/** Cuts what is left of a topic into pages. */
export function setPages(shard: number, hash: string, page: Omit<PageRecord, "holder" | "nonce">): Mutation[] {
  const value = encodePage({ ...page, holder: null, nonce: "" });
  return PREFIXES.map((prefix) => ({ key: pageKey({ shard, hash, prefix }), value }));
}

/** Room for how far the sending gets, and who sends. */
const MARGIN = 512;

function encodePage(page: PageRecord): Uint8Array {
  const value = encodeRecord(page);
  return value.byteLength + MARGIN <= MAX_RECORD_BYTES
    ? value
    : encodeRecord({ ...page, classes: page.classes.map(lighten) });
}

/** Reads pages, of all shards or of one, or of one topic. */
export async function listPages(
  kv: Deno.Kv,
  of: { shard?: number; hash?: string },
  limit: number,
): Promise<ReadPage[]> {
  const prefix = [PAGE, ...(of.shard === undefined ? [] : [of.shard]), ...(of.hash === undefined ? [] : [of.hash])];
  const entries = kv.list<unknown>({ prefix }, { limit });
  return await withDeadline("reading pages", Array.fromAsync(entries, toPage));
}

function toPage({ key, value, versionstamp }: Deno.KvEntry<unknown>): ReadPage {
  const [, shard, hash, prefix] = key as [string, number, string, string];
  return { name: { shard, hash, prefix }, versionstamp, page: decodeRecord(value, shape) };
}

/**
 * Writes a page over the version that was found, or ends it when there is none to write, and what it hands back. Answers
 * the new version; undefined when somebody else holds it. Throws `kv_failed` or `kv_timeout`.
 */
export async function commitPage(
  kv: Deno.Kv,
  { name, versionstamp }: { name: PageName; versionstamp: string },
  page: PageRecord | undefined,
  handedBack: Mutation[] = [],
): Promise<string | undefined> {
  const key = pageKey(name);
  const atomic = kv.atomic().check({ key, versionstamp });
  if (page) atomic.set(key, encodePage(page));
  else atomic.delete(key);
  for (const { key, value } of handedBack) atomic.set(key, value);
  const result = await withDeadline("committing a page", atomic.commit());
  return result.ok ? result.versionstamp : await findOwnWriting(kv, key, page?.nonce);
}

/** KV Connect repeats a commit whose answer was lost: the check then fails on our own writing. */
async function findOwnWriting(kv: Deno.Kv, key: Deno.KvKey, nonce: string | undefined): Promise<string | undefined> {
  const { value, versionstamp } = await withDeadline("reading a page again", kv.get<unknown>(key));
  return decodeRecord(value, shape)?.nonce === nonce ? versionstamp ?? "" : undefined;
}

/** What was handed back to a shard; `retry` is undefined when its record cannot be read. */
export type Handback = RetryName & { key: Deno.KvKey; retry: Retry | undefined };

/** Hands back to a shard what a subscriber could not be told; under a key of its own, which nobody else ends. */
export function setHandback(shard: number, { hash, id }: RetryName, retry: Retry): Mutation & { value: Uint8Array } {
  return { key: [...handbacks(shard), hash, id, crypto.randomUUID()], value: encodeRecord(retry) };
}

/** Reads what was handed back, behind a key or from the beginning. */
export async function listHandbacks(
  kv: Deno.Kv,
  shard: number,
  limit: number,
  after?: Deno.KvKey,
): Promise<Handback[]> {
  const start = after ? [...after, new Uint8Array()] : handbacks(shard);
  const entries = kv.list<unknown>({ start, end: [...handbacks(shard), "~"] }, { limit });
  const toHandback = ({ key, value }: Deno.KvEntry<unknown>): Handback => {
    return { key, hash: key[2] as string, id: key[3] as string, retry: decodeRecord(value, retryShape) };
  };
  return await withDeadline("reading what was handed back", Array.fromAsync(entries, toHandback));
}
