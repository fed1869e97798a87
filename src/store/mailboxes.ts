/** Who can be pushed to: subscriptions of our own push service, receipt subscriptions, and their push resources. */
import type { Mailbox } from "../model/push_message.ts";
import { withDeadline } from "./deadline.ts";
import { decodeRecord, encodeRecord } from "./record.ts";
import { instant, members, optional, text } from "./shape.ts";

const shape = members<Mailbox>({
  id: text,
  owner: text,
  push: optional(text),
  set: optional(text),
  vapidKey: optional(text),
  expiresAt: instant,
});

/** All that a push must find: one read. */
export type PushResource = { mailbox: string; vapidKey?: string; expiresAt: number };

const resourceShape = members<PushResource>({ mailbox: text, vapidKey: optional(text), expiresAt: instant });

export const mailboxKey = (id: string) => ["mailbox", id];
const resourceKey = (push: string) => ["push_resource", push];
const owned = (owner: string) => ["mailbox_of", owner];
const inSet = (set: string) => ["push_set", set];
const ENDS = "mailbox_ends";

/** Undefined when there is none, or none that can be read. */
export async function readMailbox(kv: Deno.Kv, id: string): Promise<Mailbox | undefined> {
  const { value } = await withDeadline("reading a mailbox", kv.get(mailboxKey(id)));
  return decodeRecord(value, shape);
}

export async function readPushResource(kv: Deno.Kv, push: string): Promise<PushResource | undefined> {
  const { value } = await withDeadline("reading a push resource", kv.get(resourceKey(push)));
  return decodeRecord(value, resourceShape);
}

/** The mailboxes of a subscription set. */
export async function listSet(kv: Deno.Kv, set: string, limit: number): Promise<string[]> {
  const entries = Array.fromAsync(kv.list({ prefix: inSet(set) }, { limit }), ({ key }) => key[2] as string);
  return await withDeadline("reading a subscription set", entries);
}

/** How many an owner has, counted up to a limit. */
export async function countMailboxes(kv: Deno.Kv, owner: string, limit: number): Promise<number> {
  return (await withDeadline("counting mailboxes", Array.fromAsync(kv.list({ prefix: owned(owner) }, { limit }))))
    .length;
}

/** Makes one. */
export async function saveMailbox(kv: Deno.Kv, mailbox: Mailbox): Promise<void> {
  await withDeadline("writing a mailbox", setMailbox(kv.atomic(), mailbox).commit());
}

/** Renews one that is still there until then; undefined when there is none, or none that can be read. */
export async function renewMailbox(kv: Deno.Kv, id: string, expiresAt: number): Promise<Mailbox | undefined> {
  const entry = await withDeadline("reading a mailbox", kv.get(mailboxKey(id))),
    before = decodeRecord(entry.value, shape);
  if (!before) return undefined;
  const renewed = { ...before, expiresAt };
  // Whoever ended it meanwhile was told that it has ended.
  const atomic = setMailbox(kv.atomic().check(entry).delete([ENDS, before.expiresAt, id]), renewed);
  const { ok } = await withDeadline("renewing a mailbox", atomic.commit());
  return ok ? renewed : await readMailbox(kv, id);
}

function setMailbox(atomic: Deno.AtomicOperation, mailbox: Mailbox): Deno.AtomicOperation {
  const { id, owner, push, set, vapidKey, expiresAt } = mailbox;
  atomic.set(mailboxKey(id), encodeRecord(mailbox)).set([...owned(owner), id], 0).set([ENDS, expiresAt, id], 0);
  if (set !== undefined) atomic.set([...inSet(set), id], 0);
  if (push !== undefined) {
    const resource: PushResource = { mailbox: id, expiresAt, ...(vapidKey !== undefined && { vapidKey }) };
    atomic.set(resourceKey(push), encodeRecord(resource));
  }
  return atomic;
}

/** Ends one; its messages go in their time. */
export async function removeMailbox(kv: Deno.Kv, { id, owner, push, set, expiresAt }: Mailbox): Promise<void> {
  const atomic = kv.atomic().delete(mailboxKey(id)).delete([...owned(owner), id]).delete([ENDS, expiresAt, id]);
  if (set !== undefined) atomic.delete([...inSet(set), id]);
  if (push !== undefined) atomic.delete(resourceKey(push));
  await withDeadline("ending a mailbox", atomic.commit());
}

/** Ends those that are over, so many at the most; says how many it looked at. */
export async function endMailboxes(kv: Deno.Kv, now: number, limit: number): Promise<number> {
  const ends = Array.fromAsync(kv.list({ start: [ENDS], end: [ENDS, now + 1] }, { limit }), ({ key }) => key);
  const found = await withDeadline("reading what ends", ends);
  for (const key of found) {
    const mailbox = await readMailbox(kv, key[2] as string);
    if (mailbox && mailbox.expiresAt === key[1]) await removeMailbox(kv, mailbox);
    else await withDeadline("forgetting an end", kv.delete(key));
  }
  return found.length;
}
