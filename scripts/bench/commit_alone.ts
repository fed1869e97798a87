/** What a commit like the journal's costs on this disk with nothing around it: no latency can be below it. */
import { join } from "node:path";
import { freshFolder } from "./paths.ts";

/** Milliseconds between two: a disk that rests is slower than one that is busy. */
const PAUSE = 9;

/** Answers how long each commit took, milliseconds. */
export async function commitAlone(count: number): Promise<number[]> {
  const folder = await freshFolder("commit"), took: number[] = [];
  {
    using kv = await Deno.openKv(join(folder, "kv.sqlite3"));
    for (let index = 0; index < count; index++) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
      const since = performance.now();
      await commit(kv);
      took.push(performance.now() - since);
    }
  }
  await Deno.remove(folder, { recursive: true });
  return took;
}

/** The keys of `src/store/journal.ts`: what was seen, the batch, what it spent, the bell. */
function commit(kv: Deno.Kv): Promise<unknown> {
  const id = crypto.randomUUID(), seen = ["seen", id];
  return kv.atomic().check({ key: seen, versionstamp: null }).set(seen, id)
    .set(["journal", kv.commitVersionstamp()], new Uint8Array(100))
    .set(["spent", kv.commitVersionstamp()], { at: 0, bytes: 100, seen: [id], published: [] })
    .set(["bell"], id).commit();
}
