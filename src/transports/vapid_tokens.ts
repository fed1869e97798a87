/** VAPID tokens, signed once for each origin and key and used until half their life is over (RFC 8292 5). */
import type { Clock } from "../clock.ts";
import { forgetOldest } from "../model/forget_oldest.ts";
import { printVapid, TOKEN_LIFE, type VapidKey } from "../wire/vapid.ts";

/** Milliseconds: a push service whose clock is hours ahead still takes a token that is used so long. */
export const RENEW_AFTER = TOKEN_LIFE * 1000 / 2;

/** Strangers choose the origins: beyond so many, the token signed first is dropped. */
export const MAX_TOKENS = 1_000;

/** Answers the `Authorization` for an origin. */
type VapidTokens = (origin: string, key: VapidKey) => Promise<string>;

export function createVapidTokens({ contact, clock }: { contact: string; clock: Clock }): VapidTokens {
  const tokens = new Map<string, { header: Promise<string>; signed: number }>();
  return async (origin, key) => {
    const name = `${origin} ${key.point}`, now = clock.now();
    const known = tokens.get(name);
    // The wall clock can jump either way: a token from the future would be refused for its long life.
    if (known && Math.abs(now - known.signed) < RENEW_AFTER) return await known.header;
    const header = printVapid(key, { audience: origin, contact, now });
    tokens.delete(name);
    tokens.set(name, { header, signed: now });
    forgetOldest(tokens, MAX_TOKENS);
    return await header;
  };
}
