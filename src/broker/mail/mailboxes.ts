/** Whose mailboxes there are (RFC 8030 4, 7.3): made by an owner, found by who pushes, renewed by being read, ended. */
import type { Clock } from "../../clock.ts";
import { CarillonError } from "../../errors.ts";
import { forgetOldest } from "../../model/forget_oldest.ts";
import type { Mailbox } from "../../model/push_message.ts";
import {
  countMailboxes,
  listSet,
  type PushResource,
  readMailbox,
  readPushResource,
  removeMailbox,
  renewMailbox,
  saveMailbox,
} from "../../store/mailboxes.ts";

/** Milliseconds that a subscription lasts without being used; it is renewed in its second half. */
export const LIFE = 30 * 86_400_000;

/** Of one owner, and of one set. */
export const MAX_MAILBOXES = 1_000;
export const MAX_SET = 100;

/** Milliseconds that a push resource is remembered, and how many: pushing must not read the database each time. */
const REMEMBERED = 10_000, MAX_REMEMBERED = 10_000;

/** `ended` is called with the id of one that has ended. */
type Deps = { kv: Deno.Kv; clock: Clock; ended: (id: string) => void };

export function createMailboxes({ kv, clock, ended }: Deps) {
  const resources = new Map<string, { resource: PushResource; until: number }>();

  /** Makes a mailbox for an owner. Throws `too_many_subscriptions`. */
  async function subscribe(mailbox: Omit<Mailbox, "expiresAt">): Promise<Mailbox> {
    const owned = await countMailboxes(kv, mailbox.owner, MAX_MAILBOXES);
    if (owned >= MAX_MAILBOXES) throw tooMany(`the owner has ${owned} of them`);
    if (mailbox.set !== undefined && (await listSet(kv, mailbox.set, MAX_SET)).length >= MAX_SET) {
      throw tooMany(`the set has ${MAX_SET} of them`);
    }
    const made = { ...mailbox, expiresAt: clock.now() + LIFE };
    await saveMailbox(kv, made);
    return made;
  }

  /** The push resource of an id; remembered for some seconds. Throws `not_found`. */
  async function findResource(push: string): Promise<PushResource> {
    const known = resources.get(push);
    if (known && known.until > clock.elapsed()) return known.resource;
    resources.delete(push);
    const resource = await readPushResource(kv, push);
    if (!resource || resource.expiresAt <= clock.now()) return fail();
    resources.set(push, { resource, until: clock.elapsed() + REMEMBERED });
    forgetOldest(resources, MAX_REMEMBERED);
    return resource;
  }

  /** The mailbox of a reader, which is renewed by being read. Throws `not_found`. */
  async function open(id: string): Promise<Mailbox> {
    const mailbox = await find(id);
    if (mailbox.expiresAt - clock.now() > LIFE / 2) return mailbox;
    return await renewMailbox(kv, id, clock.now() + LIFE) ?? fail();
  }

  /** The mailboxes of a set, each renewed by being read. Throws `not_found` when it has none. */
  async function openSet(set: string): Promise<Mailbox[]> {
    const ids = await listSet(kv, set, MAX_SET);
    const opened = await Promise.all(ids.map((id) => open(id).catch(unlessFound)));
    const mailboxes = opened.filter((mailbox) => mailbox !== undefined);
    return mailboxes.length > 0 ? mailboxes : fail();
  }

  /** Throws `not_found`. */
  async function find(id: string): Promise<Mailbox> {
    const mailbox = await readMailbox(kv, id);
    return mailbox && mailbox.expiresAt > clock.now() ? mailbox : fail();
  }

  /** Ends a mailbox. Throws `not_found`. */
  async function end(id: string): Promise<void> {
    const mailbox = await find(id);
    await removeMailbox(kv, mailbox);
    if (mailbox.push !== undefined) resources.delete(mailbox.push);
    ended(id);
  }

  return { subscribe, find: findResource, open, openSet, end };
}

function fail(): never {
  throw new CarillonError("not_found", "there is no such push resource, or it has ended");
}

/** One of a set may end while the others are read. */
function unlessFound(thrown: unknown): undefined {
  if (!(thrown instanceof CarillonError) || thrown.code !== "not_found") throw thrown;
}

function tooMany(what: string): CarillonError {
  return new CarillonError("too_many_subscriptions", `the subscription was refused: ${what}`);
}
