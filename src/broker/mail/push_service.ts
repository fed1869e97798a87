/**
 * A push service of our own (RFC 8030), for who has none: subscriptions, messages that are stored until they are
 * acknowledged or expire, and readers that are told of them at once.
 */
import type { Logger } from "@logtape/logtape";
import type { Metrics } from "../../metrics.ts";
import type { KnownMessage, Mailbox, Placed, PushMessage, Urgency } from "../../model/push_message.ts";
import { endMailboxes } from "../../store/mailboxes.ts";
import { deleteMessages, messageKey, pruneLog, readExpired } from "../../store/push_messages.ts";
import { setAside } from "../../store/set_aside.ts";
import { printPushEvent } from "../../wire/push_resource.ts";
import type { OpenStream } from "../sink.ts";
import { createAcceptor } from "./acceptor.ts";
import { createAcknowledge } from "./acknowledge.ts";
import { createBounds } from "./bounds.ts";
import { followLog, LOG_LIFE } from "./follow_log.ts";
import { createMailboxes } from "./mailboxes.ts";
import { createReaders, type ReadersDeps } from "./readers.ts";

/** Milliseconds that a message of no TTL has for its way to a reader that is there. */
const AT_ONCE = 1_000;

/** What a minute looks at, at once and at most. */
const SWEPT = 500, MAX_SWEPT = 50_000;

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
  const readers = createReaders({ kv, clock, random, ...deps, print, unread });
  const bounds = createBounds({ kv, clock, dropping });
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

  async function dropping(messages: KnownMessage[]): Promise<void> {
    await acknowledging.receipts(messages, 410);
    count("dropped", messages.length);
  }

  /** Stores a message, `ttl` in seconds, and answers its token. */
  async function push(mailbox: string, { ttl, ...message }: Omit<PushMessage, "until" | "of"> & { ttl: number }) {
    const until = clock.now() + Math.max(AT_ONCE, ttl * 1000);
    const versionstamp = await accept({ mailbox, message: { ...message, until } });
    count("accepted");
    return tokenOf({ mailbox, versionstamp });
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
    ...createMailboxes({ kv, clock, ended: (id) => readers.close([id]) }),
    push,
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
      deps.embedded ? Promise.resolve() : followLog({ kv, clock, random, ...readers }, signal),
    async drain(): Promise<void> {
      await drain();
      readers.drain();
    },
  };
}

async function sweep(run: () => Promise<number>): Promise<void> {
  for (let swept = 0, some = SWEPT; some === SWEPT && swept < MAX_SWEPT; swept += some) some = await run();
}
