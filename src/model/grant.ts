/** Grants: what the bearer of a token may do (RFC 9396 `authorization_details` of the Mercure type). */
import type { Matcher } from "./matcher.ts";
import { shortHash } from "./short_hash.ts";

export const GRANT_TYPE = "https://mercure.rocks/authorization-detail";

export type Action = "publish" | "subscribe";

export type Grant = { actions: Action[]; topics: Matcher[] };

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
