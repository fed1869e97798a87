/** Quotas: how much one owner may store, and how often we may be aimed at a push service that has not answered. */
import { CarillonError } from "../errors.ts";
import type { Counts } from "../model/subscription.ts";

/** Subscriptions of one owner. */
export const MAX_OWNED = 10_000;

/** At one push service of an owner who only listens: one change must not become thousands of requests to a victim. */
export const MAX_OWNED_AT = 200;

/** Subscriptions of one owner that no push service has confirmed. */
export const MAX_UNCONFIRMED_OF = 200;

/** And of one push service, besides as many as it has confirmed: each costs it one message that nobody asked it for. */
export const MAX_UNCONFIRMED_AT = 1_000;

/** Checks whether one more may be stored; `isServer` speaks for many. Throws `too_many_subscriptions` or `push_service_silent`. */
export function checkQuotas(counts: Counts, { isServer }: { isServer: boolean }): void {
  if (counts.owned >= MAX_OWNED) throw tooMany("the owner has too many subscriptions", counts.owned);
  if (!isServer && counts.ownedAt >= MAX_OWNED_AT) {
    throw tooMany("the owner has too many subscriptions at this push service", counts.ownedAt);
  }
  if (counts.unconfirmedOf >= MAX_UNCONFIRMED_OF) throw silent("too many subscriptions of the owner");
  if (counts.unconfirmedAt >= MAX_UNCONFIRMED_AT + counts.confirmedAt) {
    throw silent("too many subscriptions at this push service");
  }
}

function tooMany(what: string, count: number): CarillonError {
  return new CarillonError("too_many_subscriptions", `${what}: ${count}`);
}

function silent(what: string): CarillonError {
  return new CarillonError("push_service_silent", `${what} are not confirmed yet`);
}
