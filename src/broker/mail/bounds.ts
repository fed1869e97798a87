/** What one mailbox may hold: beyond it the oldest of the lowest urgency go first. */
import type { Clock } from "../../clock.ts";
import { forgetOldest } from "../../model/forget_oldest.ts";
import { type KnownMessage, URGENCIES, withoutReplaced } from "../../model/push_message.ts";
import { deleteMessages, readPages } from "../../store/push_messages.ts";

/** Messages of a mailbox, and bytes of their bodies. */
export const MAX_MESSAGES = 100;
export const MAX_BYTES = 256 * 1024;

/** After so many stored here a mailbox is looked at: it may hold as many more until then, of each worker. */
const LOOK_AFTER = 20;

/** Mailboxes whose messages are counted. */
const COUNTED = 20_000;

type Deps = {
  kv: Deno.Kv;
  clock: Clock;
  /** Tells whom it concerns, before the messages are gone. */
  dropping: (messages: KnownMessage[]) => Promise<void>;
};

export function createBounds({ kv, clock, dropping }: Deps) {
  const counts = new Map<string, number>(), full = new Set<string>();
  let looking = Promise.resolve();

  function stored(mailbox: string): void {
    const count = (counts.get(mailbox) ?? 0) + 1;
    counts.delete(mailbox);
    if (count >= LOOK_AFTER) return void full.add(mailbox);
    counts.set(mailbox, count);
    forgetOldest(counts, COUNTED);
  }

  /** Once a second: looks at those of which much was stored. A fault leaves them for the next time. */
  function tick(): void {
    const some = [...full];
    full.clear();
    looking = looking.then(async () => {
      for (const mailbox of some) await trim(mailbox).catch(() => full.add(mailbox));
    });
  }

  async function trim(mailbox: string): Promise<void> {
    const known = (await Array.fromAsync(readPages(kv, mailbox, PAGE))).flat();
    const now = clock.now(), live = new Set(withoutReplaced(known, now)), tooMany = overflow([...live]);
    // Who waits for a receipt hears of what has expired: the minute sees to that.
    const replaced = known.filter((each) => !live.has(each) && each.message.until > now);
    await dropping(tooMany);
    await deleteMessages(kv, [...replaced, ...tooMany]);
  }

  return { stored, tick, settled: () => looking };
}

const PAGE = 500;

/** Those that have to go. */
export function overflow(messages: KnownMessage[]): KnownMessage[] {
  const rank = ({ message }: KnownMessage) => URGENCIES.indexOf(message.urgency);
  const inOrder = messages.toSorted((a, b) => rank(b) - rank(a) || (a.versionstamp < b.versionstamp ? 1 : -1));
  let count = 0, bytes = 0;
  return inOrder.filter(({ message }) => {
    bytes += message.body?.length ?? 0;
    return ++count > MAX_MESSAGES || bytes > MAX_BYTES;
  });
}
