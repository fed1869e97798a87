/** Acknowledging messages (RFC 8030 6.2), one by one or all that a reader had, and the receipts of them (RFC 8030 5.1). */
import { CarillonError } from "../../errors.ts";
import type { Clock } from "../../clock.ts";
import { isUrgent, type Placed, type PushMessage, type Urgency } from "../../model/push_message.ts";
import { deleteMessages, readMessage, readMessages } from "../../store/push_messages.ts";
import type { Letter } from "./acceptor.ts";
import { PAGE } from "./readers.ts";

/** Milliseconds that a receipt waits to be read. */
const RECEIPT_LIFE = 86_400_000;

type Deps = {
  kv: Deno.Kv;
  clock: Clock;
  accept: (letter: Letter) => Promise<string>;
  tokenOf: (placed: Placed) => string;
  count: (outcome: string, messages?: number) => void;
};

type Known = Placed & { message: PushMessage };

export function createAcknowledge({ kv, clock, accept, tokenOf, count }: Deps) {
  /** Throws `not_found` for a message that is over. */
  async function one(placed: Placed): Promise<void> {
    const message = await readMessage(kv, placed);
    if (!message) throw new CarillonError("not_found", "there is no such message, or it is over");
    await forget([{ ...placed, message }]);
  }

  /** All of a mailbox up to one, as far as a reader wanted them. */
  async function through({ mailbox, versionstamp }: Placed, least: Urgency): Promise<void> {
    for (let after = "", read = PAGE; read === PAGE;) {
      const page = await readMessages(kv, mailbox, after, PAGE);
      const had = page.filter((each) =>
        each.versionstamp <= versionstamp && each.message && isUrgent(each.message, least)
      );
      await forget(had.map((each) => ({ mailbox, versionstamp: each.versionstamp, message: each.message! })));
      after = page.at(-1)?.versionstamp ?? "";
      read = after > versionstamp ? 0 : page.length;
    }
  }

  /** A receipt that is lost could not be told apart from a message that is: it is stored before the message goes. */
  async function forget(messages: Known[]): Promise<void> {
    await receipts(messages.filter(({ message }) => message.until > clock.now()), 204);
    await deleteMessages(kv, messages);
    count("acknowledged", messages.length);
  }

  /** Tells who asked for it what became of messages. */
  async function receipts(messages: Known[], status: 204 | 410): Promise<void> {
    const until = clock.now() + RECEIPT_LIFE;
    await Promise.all(
      messages.flatMap(({ message, ...placed }) =>
        message.receipt === undefined ? [] : [
          accept({
            mailbox: message.receipt,
            message: { urgency: "normal", until, of: { message: tokenOf(placed), status } },
          }),
        ]
      ),
    );
  }

  return { one, through, receipts };
}
