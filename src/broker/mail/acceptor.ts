/** Accepting pushes by group commit: what arrives while a commit runs joins the next one. Nobody hears of success before it. */
import { asCarillonError, CarillonError } from "../../errors.ts";
import type { Clock } from "../../clock.ts";
import type { PushMessage } from "../../model/push_message.ts";
import { appendMessages } from "../../store/push_messages.ts";

/** Messages of one commit, which KV bounds to 800 KB; and that may wait for one. */
const MOST = 100;
const MAX_WAITING = 10_000;

export type Letter = { mailbox: string; message: PushMessage };
type Waiting = Letter & { resolve: (versionstamp: string) => void; reject: (error: CarillonError) => void };

type Deps = {
  kv: Deno.Kv;
  clock: Clock;
  /** Called with what was stored, in the order of the commits. */
  stored: (versionstamp: string, letters: Letter[]) => void;
};

export function createAcceptor({ kv, clock, stored }: Deps) {
  let waiting: Waiting[] = [], pumping: Promise<void> | undefined;

  /** Stores a message and answers its versionstamp. Throws `overloaded`, `kv_failed` or `kv_timeout`. */
  function accept(letter: Letter): Promise<string> {
    if (waiting.length >= MAX_WAITING) throw new CarillonError("overloaded", "too many pushes wait to be stored");
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    waiting.push({ ...letter, resolve, reject });
    pumping ??= pump();
    return promise;
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
    return [...batch.values()];
  }

  async function commit(batch: Waiting[]): Promise<void> {
    try {
      const versionstamp = await appendMessages(kv, batch.map(toLetter), clock.now());
      for (const { resolve } of batch) resolve(versionstamp);
      stored(versionstamp, batch);
    } catch (thrown) {
      for (const { reject } of batch) reject(asCarillonError(thrown));
    }
  }

  /** Resolves when all that was accepted has an outcome. */
  return { accept, drain: async () => void await pumping };
}

const toLetter = ({ mailbox, message }: Waiting): Letter => ({ mailbox, message });
