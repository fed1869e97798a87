/** Acknowledging messages (RFC 8030 6.2), one by one or all that a reader had, and the receipts of them (RFC 8030 5.1). */
import { CarillonError } from "../../errors.ts";
import type { Clock } from "../../clock.ts";
import { isUrgent, type KnownMessage, type Placed, type Urgency, withoutReplaced } from "../../model/push_message.ts";
import { deleteMessages, readMessage, readPages } from "../../store/push_messages.ts";
import type { Letter } from "./acceptor.ts";
import { PAGE } from "./readers.ts";

/** Milliseconds that a receipt waits to be read. */
const RECEIPT_LIFE = 86_400_000;

/** Receipts that are stored at once: each of one mailbox has a commit of its own. */
const AT_ONCE = 20;

type Deps = {
  kv: Deno.Kv;
  clock: Clock;
  accept: (letter: Letter) => Promise<string>;
  tokenOf: (placed: Placed) => string;
  count: (outcome: string, messages?: number) => void;
};

export function createAcknowledge({ kv, clock, accept, tokenOf, count }: Deps) {
  /** Throws `not_found` for a message that is over. */
  async function one(placed: Placed): Promise<void> {
    const message = await readMessage(kv, placed);
    if (!message || message.until <= clock.now()) {
      throw new CarillonError("not_found", "there is no such message, or it is over");
    }
    await forget([{ ...placed, message }]);
  }

  /** All of a mailbox up to one, as far as a reader wanted them. What has expired is left to the minute, which tells so. */
  async function through({ mailbox, versionstamp }: Placed, least: Urgency): Promise<void> {
    for await (const known of readPages(kv, mailbox, PAGE)) {
      const now = clock.now(), live = new Set(withoutReplaced(known, now));
      const had = known.filter((each) =>
        each.versionstamp <= versionstamp && each.message.until > now && isUrgent(each.message, least)
      );
      await forget(had.filter((each) => live.has(each)), had.filter((each) => !live.has(each)));
      if ((known.at(-1)?.versionstamp ?? "") > versionstamp) return;
    }
  }

  /**
   * A receipt that is lost could not be told apart from a message that is: it is stored before the message goes. Nobody
   * hears of what was `replaced` (RFC 8030 5.4).
   */
  async function forget(messages: KnownMessage[], replaced: KnownMessage[] = []): Promise<void> {
    await receipts(messages, 204);
    await deleteMessages(kv, [...messages, ...replaced]);
    count("acknowledged", messages.length);
  }

  /** Tells who asked for it what became of messages. */
  async function receipts(messages: KnownMessage[], status: 204 | 410): Promise<void> {
    const letters = messages.flatMap((each) => toReceipt(each, status));
    for (let at = 0; at < letters.length; at += AT_ONCE) await Promise.all(letters.slice(at, at + AT_ONCE).map(accept));
  }

  function toReceipt({ message: { receipt }, ...placed }: KnownMessage, status: 204 | 410): Letter[] {
    const of = { message: tokenOf(placed), status }, until = clock.now() + RECEIPT_LIFE;
    return receipt === undefined ? [] : [{ mailbox: receipt, message: { urgency: "normal", until, of } }];
  }

  return { one, through, receipts };
}
