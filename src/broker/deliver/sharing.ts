/**
 * Giving shards back to workers that have fewer. Nothing more of such a shard is begun, what is under way ends, and only
 * then is it free: two workers never send the same.
 */
import type { Logger } from "@logtape/logtape";
import { asCarillonError } from "../../errors.ts";
import type { Schedule } from "./schedule.ts";
import type { Shard } from "./shard.ts";
import type { Upkeep } from "./upkeep.ts";

export type Owned = Map<number, { shard: Shard; upkeep: Upkeep }>;

type Deps = { owned: Owned; schedule: Schedule; log: Logger };

export function createSharing({ owned, schedule, log }: Deps) {
  const leaving = new Map<Shard, Promise<void>>();

  /** Gives back what is more than this worker's share, the idlest first. */
  function giveBack(share: number): void {
    const surplus = Math.max(0, owned.size - leaving.size - share);
    const rest = [...owned.values()].filter(({ shard }) => shard.live && !leaving.has(shard));
    rest.sort((a, b) => a.shard.windows.size - b.shard.windows.size);
    for (const each of rest.slice(0, surplus)) {
      const { shard } = each;
      leaving.set(shard, leave(each).finally(() => void (leaving.delete(shard), forget(shard))));
    }
  }

  /** One that was not given back is taken again by whoever sees that. */
  async function leave({ shard, upkeep }: { shard: Shard; upkeep: Upkeep }): Promise<void> {
    try {
      shard.leave();
      schedule.drop(shard);
      await Promise.all([schedule.queue.settled(shard), upkeep.settled()]);
      await shard.release();
    } catch (thrown) {
      const { code } = asCarillonError(thrown);
      if (!shard.lost.aborted) log.warning("a shard was not given back: {code}", { code });
    }
  }

  /** It is not ours any more; another one that was taken in its place stays. */
  function forget(shard: Shard): void {
    if (owned.get(shard.number)?.shard === shard) owned.delete(shard.number);
  }

  return { giveBack, forget, settled: async () => void await Promise.all(leaving.values()) };
}
