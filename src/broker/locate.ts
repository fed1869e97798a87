/** Where a reader stands: turns its last event id into a position, or into the signal that something was lost. */
import type { Logger } from "@logtape/logtape";
import type { Metrics } from "../metrics.ts";
import { shortHash } from "../model/short_hash.ts";
import { findPublishedId } from "../store/journal.ts";
import { readHorizon } from "../store/retention.ts";
import { setAside } from "../store/set_aside.ts";
import { comparePositions, EARLIEST, type Position } from "../model/position.ts";
import { parseEventId } from "../wire/event_id.ts";
import type { Follower } from "./follow.ts";
import type { Ring } from "./ring.ts";

export type Located = { from: Position; lost: boolean };

/** Whoever has lost their place is shown everything that is held, and told so. */
const LOST: Located = { from: EARLIEST, lost: true };

type Deps = { kv: Deno.Kv; epoch: string; ring: Ring; follower: Follower; log: Logger; metrics: Metrics };

/**
 * Finds the place of an id of ours, of a publisher's own, or `earliest`. An id of another database, from the future, or
 * from before retention is lost; never a silent nothing. Throws `kv_failed` or `kv_timeout`.
 */
export async function locate(id: string, { kv, epoch, ring, follower, ...deps }: Deps): Promise<Located> {
  if (id === "earliest") return { from: EARLIEST, lost: false };
  const parsed = parseEventId(id);
  const unread = (key: Deno.KvKey) => setAside(deps, "published_id", key);
  const from = parsed?.epoch === epoch ? parsed.position : await findPublishedId(kv, shortHash(id), unread);
  if (!from) return LOST;
  if (comparePositions(from, ring.head) > 0) await follower.catchUp();
  if (comparePositions(from, ring.head) > 0) return LOST;
  if (ring.covers(from)) return { from, lost: false };
  const horizon = await readHorizon(kv);
  return horizon === EARLIEST.versionstamp || from.versionstamp > horizon ? { from, lost: false } : LOST;
}
