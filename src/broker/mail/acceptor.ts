/** Accepting pushes by group commit: what arrives while a commit runs joins the next one. Nobody hears of success before it. */
import { asCarillonError, CarillonError } from "../../errors.ts";
import type { Clock } from "../../clock.ts";
import type { PushMessage } from "../../model/push_message.ts";
import { appendMessages } from "../../store/push_messages.ts";

/** Messages of one commit, which KV bounds to 800 KB; and that may wait for one. */
const MOST = 100;
const MAX_WAITING = 10_000;

/** And of one mailbox: each has a commit of its own, and who floods one must not take the room of all. */
const MAX_WAITING_OF = 100;

export type Letter = { mailbox: string; message: PushMessage };
type Waiting = Letter & { resolve: (versionstamp: string) => void; reject: (error: CarillonError) => void };

type Deps = {
  kv: Deno.Kv;
  clock: Clock;
  /** Called with what was stored, in the order of the commits. */
  stored: (versionstamp: string, letters: Letter[]) => void;
};

export function createAcceptor({ kv, clock, stored }: Deps) {
  const waitingOf = new Map<string, number>();
  let waiting: Waiting[] = [], pumping: Promise<void> | undefined;

  /** Stores a message and answers its versionstamp. Throws `too_many_pushes`, `overloaded`, `kv_failed` or `kv_timeout`. */
  async function accept(letter: Letter): Promise<string> {
    const others = waitingOf.get(letter.mailbox) ?? 0;
    if (others >= MAX_WAITING_OF) throw new CarillonError("too_many_pushes", "too many pushes wait for one mailbox");
    if (waiting.length >= MAX_WAITING) throw new CarillonError("overloaded", "too many pushes wait to be stored");
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    waiting.push({ ...letter, resolve, reject });
    waitingOf.set(letter.mailbox, others + 1);
    pumping ??= pump();
    return await promise;
  }

  async function pump(): Promise<void> {
    while (waiting.length > 0) await commit(take());
    // In the same turn as the check above: whoever comes next starts a new pump.
    pumping = undefined;
  }

  /** One of each mailbox: two of one commit could not be told apart by their versionstamps. */
  function take(): Waiting[] {
    const batch = new Map<string, Waiting>(), rest: Waiting[] = [];
    for (const each of waiting) {
      if (batch.size < MOST && !batch.has(each.mailbox)) batch.set(each.mailbox, each);
      else rest.push(each);
    }
    waiting = rest;
    batch.values().forEach(leaves);
    return [...batch.values()];
  }

  function leaves({ mailbox }: Letter): void {
    const others = waitingOf.get(mailbox)! - 1;
    if (others > 0) waitingOf.set(mailbox, others);
    else waitingOf.delete(mailbox);
  }

  async function commit(batch: Waiting[]): Promise<void> {
    try {
      const versionstamp = await appendMessages(kv, batch.map(toLetter), clock.now());
      for (const { resolve } of batch) resolve(versionstamp);
      stored(versionstamp, batch);
    } catch (thrown) {
      fail(batch, asCarillonError(thrown));
    }
  }

  /** What still waits was never tried: better a clear answer now than one more deadline each. */
  function fail(batch: Waiting[], error: CarillonError): void {
    const untried = new CarillonError("overloaded", "the database does not answer");
    for (const { reject } of batch) reject(error);
    for (const { reject } of waiting) reject(error.code === "kv_timeout" ? untried : error);
    waiting = [];
    waitingOf.clear();
  }

  /** Resolves when all that was accepted has an outcome. */
  return { accept, drain: async () => void await pumping };
}

const toLetter = ({ mailbox, message }: Waiting): Letter => ({ mailbox, message });
