/**
 * Working on pages: slices of a topic with very many subscribers, leased to whichever worker has room. What a page cannot
 * deliver at once it hands back to the shard's owner.
 */
import { commitPage, listPages, type PageName, type PageRecord, type ReadPage } from "../../store/pages.ts";
import type { DeliverDeps } from "./deps.ts";
import { createSightings } from "./sightings.ts";
import { sendPage } from "./page.ts";

/** Pages that one worker sends at once. */
const MAX_PAGES = 4;

/** Pages looked at: more than enough to find one that is free. */
const LISTED = 256;

export type Pages = ReturnType<typeof createPages>;

export function createPages(deps: DeliverDeps, stopping: AbortSignal) {
  const held = new Map<string, Promise<void>>();
  const sightings = createSightings(deps.clock);

  /** Looks for pages that nobody works on, and works on them. */
  async function look(): Promise<void> {
    if (held.size >= MAX_PAGES || stopping.aborted) return;
    for (const read of await listPages(deps.kv, {}, LISTED)) {
      if (held.size >= MAX_PAGES || stopping.aborted) return;
      if (isFree(read)) await lease(read);
    }
  }

  function isFree({ name, page, versionstamp }: ReadPage): boolean {
    const key = keyOf(name);
    if (!page || held.has(key)) return false;
    return page.holder === null || sightings.hasLapsed(key, versionstamp);
  }

  async function lease({ name, versionstamp, page }: ReadPage): Promise<void> {
    const mine: PageRecord = { ...page!, holder: deps.worker, nonce: crypto.randomUUID() };
    const written = await commitPage(deps.kv, { name, versionstamp }, mine);
    if (written === undefined) return;
    const key = keyOf(name);
    held.set(key, sendPage(deps, { name, versionstamp: written, page: mine }, stopping).finally(() => end(key)));
  }

  function end(key: string): void {
    held.delete(key);
    void look().catch(() => {});
  }

  return {
    look,
    /** Resolves when no page is held any more. */
    settled: async () => void await Promise.allSettled(held.values()),
  };
}

function keyOf({ shard, hash, prefix }: PageName): string {
  return `${shard} ${hash} ${prefix}`;
}
