/**
 * Who reads pushes here: each reader is a cursor into its mailboxes, and pulls what stands behind it. A reader that takes
 * nothing is given nothing: what waits, waits in the database.
 */
import type { Clock } from "../../clock.ts";
import { isUrgent, type Placed, type PushMessage, type Urgency, withoutReplaced } from "../../model/push_message.ts";
import { readMessages, type Stored } from "../../store/push_messages.ts";
import { createGoodbye } from "../goodbye.ts";
import type { Seats } from "../seats.ts";
import type { OpenStream, Sink } from "../sink.ts";
import type { Letter } from "./acceptor.ts";

/** Messages of a mailbox that are read at once: more than a mailbox holds, so that the replaced ones are seen. */
export const PAGE = 256;

const LIMITS = { queued: 256 * 1024, life: 60 * 60_000, keepAlive: 15_000, patience: 30_000, retry: 2_000 };

/** `at` is the last message of a mailbox that was looked at. */
type Reader = {
  sink: Sink;
  owner: string;
  at: Map<string, string>;
  least: Urgency;
  endsAt: number;
  toldAt: number;
  stuckAt: number | undefined;
  isPulling: boolean;
  again: boolean;
};

export type ReadersDeps = {
  kv: Deno.Kv;
  clock: Clock;
  random: () => number;
  seats: Pick<Seats, "take" | "leave">;
  /** The only writer tells of all that is stored. */
  embedded: boolean;
  /** `least` is what the reader wants. */
  print: (placed: Placed, message: PushMessage, least: Urgency) => string;
  /** Called with what cannot be read. */
  unread: (placed: Placed) => void;
  limits?: Partial<typeof LIMITS>;
};

const encoder = new TextEncoder();
const COMMENT = encoder.encode(":\n\n");

export function createReaders({ kv, clock, random, seats, embedded, print, unread, limits: given }: ReadersDeps) {
  const byMailbox = new Map<string, Set<Reader>>(), all = new Set<Reader>();
  const limits = { ...LIMITS, ...given }, goodbye = createGoodbye(limits.retry, random);

  /** Answers how to open a stream of these mailboxes. */
  function admit(mailboxes: string[], least: Urgency, owner: string): OpenStream {
    return (sink) => {
      if (!seats.take(owner)) return goodbye.turnAway(sink);
      const reader = createReader(sink, mailboxes, least, owner);
      all.add(reader);
      for (const mailbox of mailboxes) byMailbox.set(mailbox, (byMailbox.get(mailbox) ?? new Set()).add(reader));
      sink.write(COMMENT);
      void pull(reader);
      return () => leave(reader);
    };
  }

  function createReader(sink: Sink, mailboxes: string[], least: Urgency, owner: string): Reader {
    const now = clock.elapsed(), at = new Map(mailboxes.map((mailbox) => [mailbox, ""]));
    const endsAt = now + limits.life * (0.8 + 0.4 * random());
    return { sink, owner, at, least, endsAt, toldAt: now, stuckAt: undefined, isPulling: false, again: false };
  }

  function leave(reader: Reader): boolean {
    if (!all.delete(reader)) return false;
    seats.leave(reader.owner);
    for (const mailbox of reader.at.keys()) {
      const readers = byMailbox.get(mailbox);
      if (readers?.delete(reader) && readers.size === 0) byMailbox.delete(mailbox);
    }
    return true;
  }

  /** Something may stand in these mailboxes that their readers have not seen. */
  function wake(mailboxes: Iterable<string>): void {
    for (const mailbox of mailboxes) for (const reader of byMailbox.get(mailbox) ?? []) void pull(reader);
  }

  /** So may be for all. */
  function wakeAll(): void {
    for (const reader of all) void pull(reader);
  }

  /** What this process has just stored: the only writer need not read it back for a reader that has all before it. */
  function stored(versionstamp: string, letters: Letter[]): void {
    for (const { mailbox, message } of letters) {
      for (const reader of byMailbox.get(mailbox) ?? []) {
        if (mayTell(reader)) tell(reader, mailbox, [{ versionstamp, message }]);
        else void pull(reader);
      }
    }
  }

  /** Whether a reader has all that was stored before, and takes what it is given. */
  function mayTell({ sink, isPulling, stuckAt }: Reader): boolean {
    return embedded && !isPulling && stuckAt === undefined && sink.queued <= limits.queued;
  }

  /** Once for each reader at a time; whoever wakes it meanwhile makes it look again. A fault is looked at again by the tick. */
  async function pull(reader: Reader): Promise<void> {
    if (reader.isPulling) return void (reader.again = true);
    reader.isPulling = true;
    try {
      do {
        reader.again = false;
        for (const mailbox of reader.at.keys()) await pullMailbox(reader, mailbox);
      } while (reader.again && all.has(reader));
    } catch {
      // The database is away: the tick tries again.
      reader.stuckAt ??= clock.elapsed();
    } finally {
      reader.isPulling = false;
    }
  }

  async function pullMailbox(reader: Reader, mailbox: string): Promise<void> {
    for (let page = PAGE; page === PAGE && all.has(reader);) {
      if (reader.sink.queued > limits.queued) return void (reader.stuckAt ??= clock.elapsed());
      const read = await readMessages(kv, mailbox, reader.at.get(mailbox)!, PAGE);
      if (!all.has(reader)) return;
      page = read.length;
      tell(reader, mailbox, read);
    }
    reader.stuckAt = undefined;
  }

  function tell(reader: Reader, mailbox: string, read: Stored[]): void {
    const whole = read.flatMap(({ versionstamp, message }) => {
      if (!message) unread({ mailbox, versionstamp });
      return message ? [{ versionstamp, message }] : [];
    });
    const wanted = withoutReplaced(whole, clock.now()).filter(({ message }) => isUrgent(message, reader.least));
    const text = wanted.map(({ versionstamp, message }) => print({ mailbox, versionstamp }, message, reader.least))
      .join("");
    if (text !== "") reader.sink.write(encoder.encode(text));
    if (read.length > 0) reader.at.set(mailbox, read.at(-1)!.versionstamp);
    if (text !== "") reader.toldAt = clock.elapsed();
  }

  /** Once a second: keeps readers alive, ends those whose time has come, and cuts those that take nothing. */
  function tick(): void {
    const now = clock.elapsed();
    for (const reader of all) {
      if (now >= reader.endsAt) end(reader);
      else if (reader.stuckAt !== undefined) retry(reader, now);
      else if (now - reader.toldAt >= limits.keepAlive) {
        reader.sink.write(COMMENT);
        reader.toldAt = now;
      }
    }
  }

  function retry(reader: Reader, now: number): void {
    if (reader.sink.queued <= limits.queued) return void pull(reader);
    if (now - reader.stuckAt! >= limits.patience && leave(reader)) reader.sink.destroy();
  }

  function end(reader: Reader): void {
    if (leave(reader)) goodbye.say(reader.sink);
  }

  /** Ends the readers of these mailboxes. */
  function close(mailboxes: Iterable<string>): void {
    for (const mailbox of mailboxes) for (const reader of byMailbox.get(mailbox) ?? []) end(reader);
  }

  return { admit, wake, wakeAll, stored, tick, close, count: () => all.size, drain: () => all.forEach(end) };
}
