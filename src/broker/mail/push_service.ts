/**
 * A push service of our own (RFC 8030), for who has none: subscriptions, messages that are stored until they are
 * acknowledged or expire, and readers that are told of them at once.
 */
import type { Logger } from "@logtape/logtape";
import { CarillonError } from "../../errors.ts";
import type { Metrics } from "../../metrics.ts";
import type { Mailbox, Placed, PushMessage, Urgency } from "../../model/push_message.ts";
import {
  countMailboxes,
  endMailboxes,
  listSet,
  type PushResource,
  readMailbox,
  readPushResource,
  removeMailbox,
  renewMailbox,
  saveMailbox,
} from "../../store/mailboxes.ts";
import { deleteMessages, messageKey, pruneLog, readExpired } from "../../store/push_messages.ts";
import { setAside } from "../../store/set_aside.ts";
import { printPushEvent } from "../../wire/push_resource.ts";
import type { OpenStream } from "../sink.ts";
import { createAcceptor } from "./acceptor.ts";
import { createAcknowledge } from "./acknowledge.ts";
import { createBounds } from "./bounds.ts";
import { followLog } from "./follow_log.ts";
import { createReaders, type ReadersDeps } from "./readers.ts";

/** Milliseconds that a subscription lasts without being used; it is renewed in its second half. */
export const LIFE = 30 * 86_400_000;

/** Of one owner, and of one set. */
export const MAX_MAILBOXES = 1_000;
export const MAX_SET = 100;

/** Milliseconds that a push resource is remembered, and how many: pushing must not read the database each time. */
const REMEMBERED = 10_000, MAX_REMEMBERED = 10_000;

/** Milliseconds that a message of no TTL has for its way to a reader that is there. */
const AT_ONCE = 1_000;

/** What a minute looks at, at once and at most. */
const SWEPT = 500, MAX_SWEPT = 50_000;
/** Milliseconds after which every worker has read the log, or reads its readers' mailboxes. */
const LOG_LIFE = 5 * 60_000;

export type PushServiceDeps = Omit<ReadersDeps, "print" | "unread"> & {
  log: Logger;
  metrics: Metrics;
  /** Names a message in a URL of its own. */
  tokenOf: (placed: Placed) => string;
  /** The URL of a message by its token. */
  messageUrl: (token: string) => string;
};

export type PushService = ReturnType<typeof createPushService>;

export function createPushService(
  { kv, clock, random, log, metrics, tokenOf, messageUrl, ...deps }: PushServiceDeps,
) {
  const resources = new Map<string, { resource: PushResource; until: number }>();
  const readers = createReaders({ kv, clock, random, ...deps, print, unread });
  const bounds = createBounds({ kv, clock, dropped });
  const { accept, drain } = createAcceptor({
    kv,
    clock,
    stored: (versionstamp, letters) => {
      readers.stored(versionstamp, letters);
      for (const { mailbox } of letters) bounds.stored(mailbox);
    },
  });
  const acknowledging = createAcknowledge({ kv, clock, accept, tokenOf, count });

  function count(outcome: string, messages = 1): void {
    metrics.pushMessages.inc({ outcome }, messages);
  }

  function print(placed: Placed, message: PushMessage, least: Urgency): string {
    count("told");
    return printPushEvent({ message, token: tokenOf(placed), least, url: messageUrl, now: clock.now() });
  }

  function unread(placed: Placed): void {
    setAside({ log, metrics }, "push_message", messageKey(placed));
  }

  function dropped(messages: (Placed & { message: PushMessage })[]): void {
    count("dropped", messages.length);
    void acknowledging.receipts(messages, 410).catch(() => {});
  }

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
    if (resources.size > MAX_REMEMBERED) resources.delete(resources.keys().next().value!);
    return resource;
  }

  /** Stores a message, `ttl` in seconds, and answers its token. */
  async function push(mailbox: string, { ttl, ...message }: Omit<PushMessage, "until" | "of"> & { ttl: number }) {
    const until = clock.now() + Math.max(AT_ONCE, ttl * 1000);
    const versionstamp = await accept({ mailbox, message: { ...message, until } });
    count("accepted");
    return tokenOf({ mailbox, versionstamp });
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
    readers.close([id]);
  }

  /** Once a minute: what is over goes, and who waits for a receipt of it hears that. */
  async function minute(): Promise<void> {
    await sweep(() => endMailboxes(kv, clock.now(), SWEPT));
    await sweep(async () => {
      const { over, expired } = await readExpired(kv, clock.now(), SWEPT);
      await acknowledging.receipts(expired, 410);
      await deleteMessages(kv, over);
      count("expired", expired.length);
      return over.length;
    });
    await sweep(() => pruneLog(kv, clock.now() - LOG_LIFE, SWEPT));
  }

  return {
    subscribe,
    find: findResource,
    push,
    open,
    openSet,
    end,
    acknowledge: acknowledging.one,
    acknowledgeThrough: acknowledging.through,
    /** Opens a stream of mailboxes, which takes a seat of the first one's owner. */
    read: (mailboxes: Mailbox[], least: Urgency): OpenStream =>
      readers.admit(mailboxes.map(({ id }) => id), least, mailboxes[0]!.owner),
    minute,
    tick(): void {
      readers.tick();
      bounds.tick();
      metrics.pushReaders.set(readers.count());
    },
    run: (signal: AbortSignal) =>
      deps.embedded ? Promise.resolve() : followLog({ kv, clock, random, wake: readers.wake }, signal),
    async drain(): Promise<void> {
      await drain();
      readers.drain();
    },
  };
}

async function sweep(run: () => Promise<number>): Promise<void> {
  for (let swept = 0, some = SWEPT; some === SWEPT && swept < MAX_SWEPT; swept += some) some = await run();
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
