/** Active subscriptions as JSON, and as the paths that are both their topics and their addresses. */
import type { ActiveSubscription, Query } from "../model/active_subscription.ts";
import { MATCH_TYPES, type MatchType } from "../model/matcher.ts";
import { HUB_PATH } from "../model/topic.ts";

/** The collection of all of them. */
export const SUBSCRIPTIONS_PATH = `${HUB_PATH}/subscriptions`;

/** RFC 6570 3.2.2: all but the unreserved is escaped, once. */
function expand(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The topic of a subscription's updates, in relative form. */
export function subscriptionPath({ type, match, subscriber }: ActiveSubscription): string {
  return [SUBSCRIPTIONS_PATH, type, expand(match), expand(subscriber)].join("/");
}

/** The document of a subscription, which is `active` until its stream ends. */
export function subscriptionDocument(subscription: ActiveSubscription, active: boolean) {
  const { type, match, subscriber, payload } = subscription;
  return {
    id: subscriptionPath(subscription),
    type: "subscription",
    match_type: type,
    match,
    subscriber,
    active,
    ...(payload && { payload }),
  };
}

/** The document of those that are active; `path` is where it was asked for. */
export function collectionDocument(path: string, subscriptions: ActiveSubscription[]) {
  const documents = subscriptions.map((each) => subscriptionDocument(each, true));
  return { id: path, type: "subscriptions", subscriptions: documents };
}

/** RFC 9562: a stream's own. */
const SUBSCRIBER = /^urn:uuid:[0-9a-f-]{36}$/;

/** A name for a stream. */
export const newSubscriber = () => `urn:uuid:${crypto.randomUUID()}`;

/** What a path asks for, as it stands in the URL; undefined when it asks for nothing that could be. */
export function parseSubscriptionPath(path: string): Query | undefined {
  if (path === SUBSCRIPTIONS_PATH) return {};
  if (!path.startsWith(`${SUBSCRIPTIONS_PATH}/`)) return undefined;
  const [type, match, subscriber, ...rest] = path.slice(SUBSCRIPTIONS_PATH.length + 1).split("/").map(decode);
  if (!isMatchType(type) || !match || rest.length > 0) return undefined;
  if (subscriber === undefined) return { matcher: { type, match } };
  return SUBSCRIBER.test(subscriber) ? { matcher: { type, match }, subscriber } : undefined;
}

const isMatchType = (text: string | undefined): text is MatchType => MATCH_TYPES.some((type) => type === text);

/** Empty for what is no text: nothing is called so. */
function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return "";
  }
}
