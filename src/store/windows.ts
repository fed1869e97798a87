/** Windows: what was merged for a topic and is not sent yet, and how far the sending got. */
import type { Delay } from "../model/delay.ts";
import type { Merged } from "../model/merge.ts";
import { withDeadline } from "./deadline.ts";
import { lighten } from "./lighten.ts";
import { classed, delay, merged, place } from "./merged_shape.ts";
import { decodeRecord, encodeRecord, MAX_RECORD_BYTES } from "./record.ts";
import { list, members, number, optional, text } from "./shape.ts";
import type { Mutation } from "./shards.ts";
import type { Place } from "./subscribers.ts";

/** What waits for each delay class: `wait` are the milliseconds until it may be sent. */
export type Pending = { delay: Delay; wait: number; merged: Merged }[];

/** What is being sent to each delay class; all up to `position` have an outcome. */
export type Sending = { classes: { delay: Delay; merged: Merged }[]; position: Place };

export type WindowRecord = { topic: string; pending: Pending; sending?: Sending };

const shape = members<WindowRecord>({
  topic: text,
  pending: list(members<Pending[number]>({ delay, wait: number, merged })),
  sending: optional(members<Sending>({ classes: list(classed, { min: 1 }), position: place })),
});

const windows = (shard: number) => ["window", shard];
export const windowKey = (shard: number, hash: string) => [...windows(shard), hash];

/** Sets what is kept of a topic's window. */
export function setWindow(shard: number, hash: string, window: WindowRecord): Mutation {
  const value = encodeRecord(window);
  return {
    key: windowKey(shard, hash),
    value: value.byteLength <= MAX_RECORD_BYTES ? value : encodeRecord(lightenAll(window)),
  };
}

export function deleteWindow(shard: number, hash: string): Mutation {
  return { key: windowKey(shard, hash) };
}

/** Any window fits a KV value then. */
function lightenAll({ topic, pending, sending }: WindowRecord): WindowRecord {
  return {
    topic,
    pending: pending.map(lighten),
    ...(sending && { sending: { ...sending, classes: sending.classes.map(lighten) } }),
  };
}

/** A window as it was read; `window` is undefined when its record cannot be read. */
export type ReadWindow = { hash: string; window: WindowRecord | undefined };

/** Reads all windows of a shard. */
export async function* readWindows(kv: Deno.Kv, shard: number): AsyncGenerator<ReadWindow> {
  const entries = kv.list<unknown>({ prefix: windows(shard) }, { batchSize: 100 });
  while (true) {
    const { value: entry, done } = await withDeadline("reading windows", entries.next());
    if (done) return;
    yield { hash: entry.key[2] as string, window: decodeRecord(entry.value, shape) };
  }
}

/** Whether a shard has any window. */
export async function hasWindows(kv: Deno.Kv, shard: number): Promise<boolean> {
  const entries = kv.list({ prefix: windows(shard) }, { limit: 1 });
  return (await withDeadline("reading windows", Array.fromAsync(entries))).length > 0;
}
