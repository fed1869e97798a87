/**
 * The messages of our own push service. The database numbers them by their commits, so that nothing can appear behind a
 * reader; a log of which mailboxes got something, and a bell, tell every worker.
 */
import { type KnownMessage, type Placed, type PushMessage, URGENCIES } from "../model/push_message.ts";
import { withDeadline } from "./deadline.ts";
import { readMany } from "./read_many.ts";
import { decodeRecord, encodeRecord } from "./record.ts";
import { instant, line, matching, members, oneOf, optional, texts } from "./shape.ts";

const shape = members<PushMessage>({
  urgency: oneOf(...URGENCIES),
  until: instant,
  topic: optional(line),
  encoding: optional(line),
  body: optional(matching(/^[\w-]*$/)),
  receipt: optional(line),
  of: optional(members<NonNullable<PushMessage["of"]>>({ message: line, status: oneOf(204, 410) })),
});

const MESSAGE = "push_message", END = "push_end", LOG = "push_log";
const BELL = ["push_bell"];

export const messageKey = ({ mailbox, versionstamp }: Placed) => [MESSAGE, mailbox, versionstamp];

/** A message as it was read; undefined when it cannot be read. */
export type Stored = { versionstamp: string; message: PushMessage | undefined };

/** Stores one message for each of several mailboxes in one commit, and answers its versionstamp. */
export async function appendMessages(
  kv: Deno.Kv,
  batch: { mailbox: string; message: PushMessage }[],
  now: number,
): Promise<string> {
  const atomic = kv.atomic();
  for (const { mailbox, message } of batch) {
    atomic.set([MESSAGE, mailbox, kv.commitVersionstamp()], encodeRecord(message));
    atomic.set([END, message.until, mailbox, kv.commitVersionstamp()], 0);
  }
  const log = { at: now, mailboxes: batch.map(({ mailbox }) => mailbox) };
  atomic.set([LOG, kv.commitVersionstamp()], encodeRecord(log)).set(BELL, now);
  const result = await withDeadline("storing push messages", atomic.commit());
  return (result as Deno.KvCommitResult).versionstamp;
}

/** Those behind a versionstamp, oldest first. */
export async function readMessages(kv: Deno.Kv, mailbox: string, after: string, limit: number): Promise<Stored[]> {
  const range = { start: [MESSAGE, mailbox, after, 0], end: [MESSAGE, mailbox, "g"] };
  const entries = kv.list(range, { limit, batchSize: limit });
  return await withDeadline("reading push messages", Array.fromAsync(entries, toStored));
}

/** All messages of a mailbox that can be read, a page of at most `limit` after the other, oldest first. */
export async function* readPages(kv: Deno.Kv, mailbox: string, limit: number): AsyncGenerator<KnownMessage[]> {
  for (let after = "", read = limit; read === limit;) {
    const page = await readMessages(kv, mailbox, after, limit);
    yield page.flatMap(({ versionstamp, message }) => message ? [{ mailbox, versionstamp, message }] : []);
    after = page.at(-1)?.versionstamp ?? "";
    read = page.length;
  }
}

function toStored({ key, value }: Deno.KvEntry<unknown>): Stored {
  return { versionstamp: key[2] as string, message: decodeRecord(value, shape) };
}

export async function readMessage(kv: Deno.Kv, placed: Placed): Promise<PushMessage | undefined> {
  const { value } = await withDeadline("reading a push message", kv.get(messageKey(placed)));
  return decodeRecord(value, shape);
}

/** A message that is to go; its end goes with it. */
type Ending = Placed & { message: Pick<PushMessage, "until"> };

/** Forgets messages, as many as one commit takes at a time. */
export async function deleteMessages(kv: Deno.Kv, messages: Ending[]): Promise<void> {
  for (let at = 0; at < messages.length; at += 400) {
    const atomic = kv.atomic();
    for (const { message: { until }, ...placed } of messages.slice(at, at + 400)) {
      atomic.delete(messageKey(placed)).delete([END, until, placed.mailbox, placed.versionstamp]);
    }
    await withDeadline("forgetting push messages", atomic.commit());
  }
}

/** Messages whose time is over: all of them are to go, `expired` are those that are still there. */
export async function readExpired(
  kv: Deno.Kv,
  now: number,
  limit: number,
): Promise<{ over: Ending[]; expired: KnownMessage[] }> {
  const entries = kv.list({ start: [END], end: [END, now + 1] }, { limit });
  const over = await withDeadline("reading what expires", Array.fromAsync(entries, toEnding));
  const read = await readMany(kv, "reading what expires", over.map(messageKey));
  const expired = over.flatMap(({ mailbox, versionstamp }, index) => {
    const message = decodeRecord(read[index]!.value, shape);
    return message ? [{ mailbox, versionstamp, message }] : [];
  });
  return { over, expired };
}

function toEnding({ key }: Deno.KvEntry<unknown>): Ending {
  const [, until, mailbox, versionstamp] = key as [string, number, string, string];
  return { mailbox, versionstamp, message: { until } };
}

/** The mailboxes that got something behind a versionstamp, and the last one; a log that cannot be read names none. */
export async function readLog(
  kv: Deno.Kv,
  after: string,
  limit: number,
): Promise<{ mailboxes: string[]; last: string; seen: number }> {
  const entries = kv.list({ start: [LOG, after, 0], end: [LOG, "g"] }, { limit });
  const read = await withDeadline("reading the log of pushes", Array.fromAsync(entries));
  const mailboxes = read.flatMap(({ value }) => decodeRecord(value, logShape)?.mailboxes ?? []);
  return { mailboxes, last: (read.at(-1)?.key[1] as string | undefined) ?? after, seen: read.length };
}

const logShape = members<{ at: number; mailboxes: string[] }>({ at: instant, mailboxes: texts });

/** Forgets what every worker has read long since; says how many entries it looked at. */
export async function pruneLog(kv: Deno.Kv, before: number, limit: number): Promise<number> {
  const read = await withDeadline("reading the log of pushes", Array.fromAsync(kv.list({ prefix: [LOG] }, { limit })));
  const old = read.filter(({ value }) => (decodeRecord(value, logShape)?.at ?? -Infinity) < before);
  for (let at = 0; at < old.length; at += 400) {
    const atomic = kv.atomic();
    for (const { key } of old.slice(at, at + 400)) atomic.delete(key);
    await withDeadline("pruning the log of pushes", atomic.commit());
  }
  return old.length;
}

/** The newest commit: behind it nothing is stored yet. */
export async function readPushBell(kv: Deno.Kv): Promise<string> {
  const { versionstamp } = await withDeadline("reading the bell of pushes", kv.get(BELL));
  return versionstamp ?? "";
}

/** Rings whenever something was stored; coalesced. The reader must be cancelled. */
export function watchPushBell(kv: Deno.Kv): ReadableStreamDefaultReader<[Deno.KvEntryMaybe<unknown>]> {
  return kv.watch<[unknown]>([BELL]).getReader();
}
