/** The lease of one page: its commits check its own version, and renew it by this process's own unjumping clock. */
import { commitPage, type PageName, type PageRecord, setHandback } from "../../store/pages.ts";
import type { Retry } from "../../store/retries.ts";
import type { Mutation } from "../../store/shards.ts";
import { chunksOf } from "./chunks.ts";
import type { DeliverDeps } from "./deps.ts";
import { insist } from "./insist.ts";

/** A page that this worker holds, as it stands in KV. */
export type HeldPage = { name: PageName; versionstamp: string; page: PageRecord };

export type PageLease = ReturnType<typeof createPageLease>;

export function createPageLease(
  deps: Pick<DeliverDeps, "kv" | "clock" | "log">,
  { name, versionstamp, page: stored }: HeldPage,
  stopping: AbortSignal,
) {
  const { kv, clock } = deps;
  const lost = new AbortController();
  const handbacks = new Map<string, Retry>();
  let renewedAt = clock.elapsed();
  let renewing: Promise<void> | undefined;

  const ask = <T>(call: () => Promise<T>) => insist(deps, { lost: lost.signal, stopping }, call);

  /** Writes how far the page got; who asks meanwhile waits for the same commit. Throws when the page is lost. */
  function renew(page: () => PageRecord): Promise<void> {
    return renewing ??= write(page()).finally(() => renewing = undefined);
  }

  /** Gives the page back, or ends it. Throws when it is lost. */
  async function end(page: PageRecord | undefined): Promise<void> {
    await renewing;
    await write(page);
  }

  /** Handbacks that one commit does not hold come before it: the page gets on when all of them are written. */
  async function write(page: PageRecord | undefined): Promise<void> {
    const back = new Map(handbacks);
    const chunks = [
      ...chunksOf([...back].map(([id, retry]) => setHandback(name.shard, { hash: name.hash, id }, retry))),
    ];
    for (const chunk of chunks.splice(0, chunks.length - 1)) await commit(stored, chunk);
    await commit(page, chunks[0]!);
    for (const [id, retry] of back) if (handbacks.get(id) === retry) handbacks.delete(id);
  }

  async function commit(page: PageRecord | undefined, chunk: Mutation[]): Promise<void> {
    const record = page && { ...page, nonce: crypto.randomUUID() };
    const since = clock.elapsed();
    const written = await ask(() => commitPage(kv, { name, versionstamp }, record, chunk));
    if (written === undefined) lost.abort(new Error("the page is another worker's"));
    lost.signal.throwIfAborted();
    [versionstamp, renewedAt] = [written!, since];
    if (record) stored = record;
  }

  return {
    name,
    ask,
    renew,
    end,
    lost: lost.signal,
    age: () => clock.elapsed() - renewedAt,
    /** What could not be delivered, by subscriber; written with the next commit. */
    handbacks,
  };
}
