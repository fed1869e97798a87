/** Active subscriptions: what the open event streams ask for, one for each matcher (Mercure, "Active Subscriptions"). */
import type { Payload } from "./grant.ts";
import type { MatcherText } from "./matcher.ts";

/** The type of the hub's own updates, which no publisher may use. */
export const HUB_TYPE = "mercure";

/** What a stream asks for, and what its token's issuer wants to be said of it. */
export type Asked = MatcherText & { payload?: Payload };

/** `subscriber` is a URN that is made for each stream, so that nobody can choose it and it names nobody. */
export type ActiveSubscription = Asked & { subscriber: string };

/** All subscriptions, those of one matcher, or one of them. */
export type Query = { matcher?: MatcherText; subscriber?: string };
