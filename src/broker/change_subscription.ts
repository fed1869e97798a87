/** One stored subscription, read and changed: of two who change it at once the second looks again. */
import type { Logger } from "@logtape/logtape";
import type { Clock } from "../clock.ts";
import { CarillonError } from "../errors.ts";
import type { Metrics } from "../metrics.ts";
import { MAX_TOPICS, type Subscription } from "../model/subscription.ts";
import { setAside } from "../store/set_aside.ts";
import {
  findSubscription,
  type Found,
  type Kept,
  removeSubscription,
  saveSubscription,
  subscriptionKey,
} from "../store/subscriptions.ts";
import { catchUp } from "./catch_up.ts";

/** How often a write is tried again that somebody else's came before. */
const MAX_CONFLICTS = 8;

/** As `shortHash` makes them. */
const ID = /^[\w-]{22}$/;

export type ChangeDeps = {
  kv: Deno.Kv;
  clock: Clock;
  log: Logger;
  metrics: Metrics;
  /** Called with what was made or changed. */
  subscribed: (subscription: Subscription) => void;
};

export const isId = (text: string) => ID.test(text);

export function createChange({ kv, clock, log, metrics, subscribed }: ChangeDeps) {
  /** Writes what `edit` makes of what is there, or ends it when that is nothing. */
  async function change(id: string, edit: (found: Found) => Promise<Kept> | Kept | undefined | void) {
    for (let tries = 0; tries < MAX_CONFLICTS; tries++) {
      const found = await find(id);
      const kept = await edit(found) ?? undefined;
      if (kept && kept.subscription.topics.length > MAX_TOPICS) throw tooMany(kept);
      if (!kept && !found.kept) return undefined;
      if (!await write(found, kept)) continue;
      if (kept) subscribed(kept.subscription);
      return kept;
    }
    throw new CarillonError("overloaded", "the subscription is changed by too many at once");
  }

  async function write(found: Found, kept: Kept | undefined): Promise<boolean> {
    const now = clock.now();
    if (!kept) return await removeSubscription(kv, found, now);
    return await saveSubscription(kv, found, kept, catchUp(found.kept?.subscription, kept.subscription, now));
  }

  /** What has ended is as if it were not there, though the minute has not come yet in which it goes. */
  async function find(id: string): Promise<Found> {
    if (!isId(id)) throw notFound();
    const found = await findSubscription(kv, id);
    if (!found.unknown) return found;
    setAside({ log, metrics }, "subscription", subscriptionKey(id));
    throw new CarillonError("kv_failed", "the subscription's record cannot be read");
  }

  function own({ kept }: Found, owner: string): Kept {
    if (kept && kept.subscription.owner === owner && isLive(kept)) return kept;
    throw notFound();
  }

  function isLive({ subscription }: Kept): boolean {
    return subscription.topics.some(({ expiresAt }) => expiresAt > clock.now());
  }

  return { change, find, own, isLive };
}

export function notFound(): CarillonError {
  return new CarillonError("not_found", "there is no such subscription");
}

function tooMany({ subscription }: Kept): CarillonError {
  const count = subscription.topics.length;
  return new CarillonError("bad_request", `the subscription has too many topics: ${count}, at most ${MAX_TOPICS}`);
}
