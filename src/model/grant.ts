/** Grants: what the bearer of a token may do (RFC 9396 `authorization_details` of the Mercure type). */
import type { Matcher, MatcherText } from "./matcher.ts";
import { shortHash } from "./short_hash.ts";

export const GRANT_TYPE = "https://mercure.rocks/authorization-detail";

export type Action = "publish" | "subscribe";

/** What the issuer wants to be said of subscriptions (Mercure, "Payloads"): others can read it. */
export type Payload = Record<string, unknown>;

export type Grant = { actions: Action[]; topics: Matcher[]; payload?: Payload };

/**
 * Who a verified token speaks for. `subject` may be missing (Mercure). `issuerTopics` bounds every grant: nobody hands on
 * more than they have.
 */
export type Bearer = { iss: string; subject?: string; expiresAt: number; grants: Grant[]; issuerTopics: Matcher[] };

/** Whose the bearer's subscriptions are; undefined when the token names nobody. */
export function ownerOf({ iss, subject }: Bearer): string | undefined {
  return subject === undefined ? undefined : shortHash("owner", iss, subject);
}

/** True when one of the bearer's grants lets it do `action` to `topic`. */
export function isGranted(bearer: Bearer, action: Action, topic: string): boolean {
  return bearer.issuerTopics.some((matcher) => matcher.matches(topic)) &&
    bearer.grants.some((grant) => grant.actions.includes(action) && grant.topics.some((m) => m.matches(topic)));
}

/** True when the bearer holds any grant for `action`. */
export function hasGrant(bearer: Bearer, action: Action): boolean {
  return bearer.grants.some((grant) => grant.actions.includes(action));
}

/**
 * The payload of a subscription: that of the first grant to subscribe which matches its matcher as if that were a topic. A
 * matcher matches its own text, also where URLPattern takes it for another (Mercure, "Payloads").
 */
export function payloadOf({ grants }: Bearer, { match, type }: MatcherText): Payload | undefined {
  const isIts = (granted: Matcher) => granted.matches(match) || (granted.match === match && granted.type === type);
  return grants.find(({ actions, topics }) => actions.includes("subscribe") && topics.some(isIts))?.payload;
}

/** Equal for two bearers exactly when they may read the same. */
export function rightsOf({ iss, grants }: Bearer): string {
  return shortHash(iss, JSON.stringify(grants.map(({ actions, topics }) => [actions, topics])));
}
