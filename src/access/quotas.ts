/** Quotas: how much one owner may store, and how often we may be aimed at a push service that has not answered. */
import { CarillonError } from "../errors.ts";

/** Subscriptions of one owner. */
export const MAX_OWNED = 10_000;

/** Subscriptions that one push service has not confirmed: each costs it one message, and nobody else may be made to pay. */
export const MAX_UNCONFIRMED = 1_000;

/** Checks whether one more may be stored. Throws `too_many_subscriptions` or `push_service_silent`. */
export function checkQuotas({ owned, unconfirmed }: { owned: number; unconfirmed: number }): void {
  if (owned >= MAX_OWNED) {
    throw new CarillonError("too_many_subscriptions", `the owner has too many subscriptions: ${owned}`);
  }
  if (unconfirmed >= MAX_UNCONFIRMED) {
    throw new CarillonError("push_service_silent", "too many addresses of this push service are not confirmed yet");
  }
}
