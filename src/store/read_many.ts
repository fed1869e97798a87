/** Reading many keys at once: KV takes ten in a call. */
import { withDeadline } from "./deadline.ts";

const MOST = 10;

/** In the order of the keys. Throws `kv_failed` or `kv_timeout`, as `withDeadline` does. */
export async function readMany(kv: Deno.Kv, what: string, keys: Deno.KvKey[]): Promise<Deno.KvEntryMaybe<unknown>[]> {
  const pages = Array.from(
    { length: Math.ceil(keys.length / MOST) },
    (_, page) => keys.slice(page * MOST, (page + 1) * MOST),
  );
  return (await withDeadline(what, Promise.all(pages.map((page) => kv.getMany<unknown[]>(page))))).flat();
}
