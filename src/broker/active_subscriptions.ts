/**
 * Active subscriptions, as the whole cell knows them: those of this worker are written and told as they come and go
 * (`active/track.ts`), those of a dead one are ended (`active/bury.ts`), and all of them can be listed.
 */
import type { Metrics } from "../metrics.ts";
import type { ActiveSubscription, Query } from "../model/active_subscription.ts";
import { type Era, listActive, listEras } from "../store/active_subscriptions.ts";
import { setAside } from "../store/set_aside.ts";
import { bury } from "./active/bury.ts";
import { createTracker, type TrackDeps } from "./active/track.ts";
import type { Presence } from "./presence.ts";

/** Subscriptions in one answer. Mercure lets a hub cut a long collection short. */
const MAX_LISTED = 10_000;

type Deps = TrackDeps & { metrics: Metrics; presence: Pick<Presence, "living" | "known"> };

export type ActiveSubscriptions = ReturnType<typeof createActiveSubscriptions>;

export function createActiveSubscriptions(deps: Deps) {
  const { kv, worker, presence } = deps;
  const tracker = createTracker(deps);
  const unread = (key: Deno.KvKey) => setAside(deps, "active_subscription", key);

  /** Lists what is asked for, without what dead workers left. Throws `kv_failed` or `kv_timeout`. */
  async function list(asked: Query): Promise<ActiveSubscription[]> {
    const [eras, living] = await Promise.all([listEras(kv, unread), presence.living()]);
    const shown = new Set(eras.filter((era) => isLive(era, living)).map(({ id }) => id));
    const found = await listActive(kv, asked, MAX_LISTED, unread);
    return found.filter(({ era }) => shown.has(era)).map(({ era: _, ...each }) => each);
  }

  /** Once a minute: ends what the dead have left, and begins anew where others have taken this worker for dead. */
  async function minute(): Promise<void> {
    const mine = tracker.era(), isWritten = mine.versionstamp !== null;
    const [eras, known] = await Promise.all([listEras(kv, unread), presence.known()]);
    if (isWritten && !eras.some(({ id, buriedBy }) => id === mine.id && buriedBy === undefined)) tracker.begin(mine);
    for (const era of eras) if (isLeft(era, known)) await bury({ ...deps, unread }, era);
  }

  /** Whether somebody writes in it; `others` are the workers that live besides this one. */
  function isLive({ id, worker: its, buriedBy }: Era, others: Set<string>): boolean {
    return buriedBy === undefined && (its === worker ? id === tracker.era().id : others.has(its));
  }

  /** Who was burying it may have died meanwhile. */
  function isLeft(era: Era, known: Set<string>): boolean {
    const isBuried = era.buriedBy !== undefined && era.buriedBy !== worker && known.has(era.buriedBy);
    return !isLive(era, known) && !isBuried;
  }

  return { track: tracker.track, drain: tracker.drain, list, minute };
}
