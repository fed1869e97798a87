/** Filling the ring from the journal, before anybody is served. */
import type { Logger } from "@logtape/logtape";
import type { Metrics } from "../metrics.ts";
import { EARLIEST, type Position } from "../model/position.ts";
import { type Batch, journalKey, readNewest } from "../store/journal.ts";
import { readHorizon } from "../store/retention.ts";
import { setAside } from "../store/set_aside.ts";
import { createRing, type Ring } from "./ring.ts";

type Deps = { kv: Deno.Kv; log: Logger; metrics: Metrics; epoch: string; limits: { bytes: number; events: number } };

/** `since` is the versionstamp of the newest batch that it holds. */
export async function fillRing({ kv, epoch, limits, ...deps }: Deps): Promise<{ ring: Ring; since: string }> {
  const newest = await readNewest(kv, limits.bytes, limits.events);
  const ring = createRing(epoch, startOf(newest, await readHorizon(kv), limits), limits);
  for (const { versionstamp, bytes, changes } of newest) {
    if (changes) ring.append({ versionstamp, bytes, changes });
    else setAside(deps, "batch", journalKey(versionstamp));
  }
  return { ring, since: newest.at(-1)?.versionstamp ?? EARLIEST.versionstamp };
}

/** Behind the last event of any batch. */
const MAX_INDEX = 99_999;

/** Where the ring begins: at the horizon when the whole journal fits, else just before the oldest batch read. */
function startOf(newest: Batch[], horizon: string, limits: { bytes: number; events: number }): Position {
  const bytes = newest.reduce((sum, batch) => sum + batch.bytes, 0);
  const oldest = newest[0];
  if (oldest && (bytes >= limits.bytes || newest.length >= limits.events)) {
    return { versionstamp: oldest.versionstamp, index: -1 };
  }
  return horizon === EARLIEST.versionstamp ? EARLIEST : { versionstamp: horizon, index: MAX_INDEX };
}
