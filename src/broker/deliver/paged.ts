/** The owner's part in pages: what they hand back becomes retries, and a topic goes on when all of its pages are done. */
import { type Handback, listHandbacks, listPages, pageKey } from "../../store/pages.ts";
import { readRetries, type ReadRetry } from "../../store/retries.ts";
import { setAside } from "../../store/set_aside.ts";
import type { Shard } from "./shard.ts";
import { createWindow } from "./window.ts";

/** Taken in at once: KV allows 1,000 mutations a commit. */
const MANY = 200;

/** Pages of one shard that are looked at when it is taken over: those of two hundred topics. */
const LISTED = 12_800;

export type Paged = ReturnType<typeof createPaged>;

/** `done` is called with each topic whose pages are done. */
export function createPaged(shard: Shard, done: (hash: string) => void) {
  const { retries, number, deps, deps: { kv } } = shard;
  const taken = new Set<string>();

  /** Finds the topics that somebody cut into pages before. */
  async function find(): Promise<void> {
    for (const { name, page } of await shard.insist(() => listPages(kv, { shard: number }, LISTED))) {
      if (!page) setAside(deps, "page", pageKey(name));
      if (!page || shard.windows.get(name.hash)?.paged) continue;
      const window = shard.windows.get(name.hash) ?? createWindow(name.hash, page.topic);
      window.paged = "written";
      shard.windows.set(name.hash, window);
    }
  }

  /** Takes in all that was handed back, a commit's worth at a time. */
  async function takeIn(): Promise<void> {
    for (let after: Deno.KvKey | undefined, full = true; full && !shard.stopping.aborted;) {
      const listed: Handback[] = await shard.insist(() => listHandbacks(kv, number, MANY, after));
      const fresh = listed.filter((handback) => !taken.has(keyOf(handback)));
      // Before anything is waited for: whoever lists them meanwhile must not take them as well.
      for (const handback of fresh) taken.add(keyOf(handback));
      await takeSome(fresh);
      full = listed.length === MANY;
      after = listed.at(-1)?.key;
      if (full && fresh.length > 0) await shard.insist(shard.checkpoint);
    }
  }

  async function takeSome(handbacks: Handback[]): Promise<void> {
    for (const { hash } of handbacks) retries.hold(hash);
    const read = await shard.insist(() => readRetries(kv, handbacks));
    handbacks.forEach((handback, index) => takeOne(handback, read[index]!));
    for (const { hash } of handbacks) retries.release(hash);
  }

  function takeOne(handback: Handback, read: ReadRetry): void {
    const key = keyOf(handback);
    if (!handback.retry) return setAside(deps, "retry", handback.key);
    retries.add({ hash: handback.hash, id: handback.id }, handback.retry, read);
    shard.writeToo([{ key: handback.key }], () => taken.delete(key));
  }

  /** Lets a topic go on whose pages are done. */
  async function end(): Promise<void> {
    for (const window of shard.windows.values().filter(({ paged }) => paged === "written")) {
      const pages = await shard.insist(() => listPages(kv, { shard: number, hash: window.hash }, 64));
      if (pages.some(({ page }) => page)) continue;
      await takeIn();
      if (shard.stopping.aborted) return;
      window.paged = undefined;
      done(window.hash);
    }
  }

  return { find, takeIn, end };
}

function keyOf({ key }: Handback): string {
  return key.join();
}
