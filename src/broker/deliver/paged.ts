/** The owner's part in pages: what they hand back becomes retries, and a topic goes on when all of its pages are done. */
import { deleteHandback, type Handback, listHandbacks, listPages } from "../../store/pages.ts";
import { readRetries, type ReadRetry, type RetryName } from "../../store/retries.ts";
import type { Shard } from "./shard.ts";
import { createWindow } from "./window.ts";

/** Taken in at once: KV allows 1,000 mutations a commit. */
const MANY = 200;

/** Pages of one shard that are looked at when it is taken over: those of two hundred topics. */
const LISTED = 12_800;

export type Paged = ReturnType<typeof createPaged>;

/** `done` is called with each topic whose pages are done. */
export function createPaged(shard: Shard, done: (hash: string) => void) {
  const { retries, number, deps: { kv, metrics } } = shard;
  const taken = new Set<string>();

  /** Finds the topics that somebody cut into pages before. */
  async function find(): Promise<void> {
    for (const { name, page } of await shard.insist(() => listPages(kv, { shard: number }, LISTED))) {
      if (!page) metrics.recordsSetAside.inc({ kind: "page" });
      if (!page || shard.windows.get(name.hash)?.paged) continue;
      const window = shard.windows.get(name.hash) ?? createWindow(name.hash, page.topic);
      window.paged = "written";
      shard.windows.set(name.hash, window);
    }
  }

  /** Takes in what was handed back; says whether there may be more. */
  async function takeIn(): Promise<boolean> {
    const listed = await shard.insist(() => listHandbacks(kv, number, MANY));
    const handbacks = listed.filter((handback) => !taken.has(keyOf(handback)));
    for (const { hash } of handbacks) retries.hold(hash);
    const read = await shard.insist(() => readRetries(kv, handbacks));
    handbacks.forEach((handback, index) => takeOne(handback, read[index]!));
    for (const { hash } of handbacks) retries.release(hash);
    return listed.length === MANY;
  }

  function takeOne(handback: Handback, read: ReadRetry): void {
    const key = keyOf(handback);
    taken.add(key);
    if (!handback.retry) return metrics.recordsSetAside.inc({ kind: "retry" });
    retries.add({ hash: handback.hash, id: handback.id }, handback.retry, read);
    shard.writeToo([deleteHandback(number, handback)], () => taken.delete(key));
  }

  /** Lets a topic go on whose pages are done. */
  async function end(): Promise<void> {
    for (const window of shard.windows.values().filter(({ paged }) => paged === "written")) {
      const pages = await shard.insist(() => listPages(kv, { shard: number, hash: window.hash }, 64));
      if (pages.some(({ page }) => page)) continue;
      while (await takeIn()) await shard.insist(shard.checkpoint);
      window.paged = undefined;
      done(window.hash);
    }
  }

  return { find, takeIn, end };
}

function keyOf({ hash, id }: RetryName): string {
  return `${hash} ${id}`;
}
