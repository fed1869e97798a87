/** Every call to KV has a deadline: an operation on a dead server pends for ever. */
import { CarillonError } from "../errors.ts";

/** Milliseconds. The embedded database itself gives up a locked file after five seconds. */
export const KV_DEADLINE = 8_000;

/**
 * Waits for `call` until the deadline. Throws `kv_timeout` when it ran out: a write is then unknown, never failed.
 * Throws `kv_failed` when KV refused: nothing was written, unless the answer of a KV Connect server broke on its way.
 */
export async function withDeadline<T>(what: string, call: Promise<T>, milliseconds = KV_DEADLINE): Promise<T> {
  const late = () => new CarillonError("kv_timeout", `${what}: no answer in time`);
  return await within(milliseconds, call.catch(refused(what)), late);
}

/** Waits for `call`, and throws what `late` makes when the time is over. */
export async function within<T>(milliseconds: number, call: Promise<T>, late: () => Error): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(late()), milliseconds);
  try {
    return await Promise.race([call, promise]);
  } finally {
    clearTimeout(timer);
  }
}

function refused(what: string): () => never {
  return () => {
    throw new CarillonError("kv_failed", `${what}: the database refused`);
  };
}
