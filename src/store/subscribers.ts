/** Who is subscribed to a topic: one range scan holds all that its deliveries need, in the order of their delay classes. */
import { classOf, type Delay } from "../model/delay.ts";
import { shortHash } from "../model/short_hash.ts";
import type { SubscribedTopic, Subscriber, Subscription } from "../model/subscription.ts";
import { withDeadline } from "./deadline.ts";
import { decodeRecord, encodeRecord } from "./record.ts";
import { subscriber as shape } from "./subscription_shape.ts";

const BY_TOPIC = "by_topic";

/** Behind every id: they are base64url. */
const END = "~";

/** Where a subscriber stands in its topic. */
export type Place = { delay: Delay; id: string };

/** `subscriber` is undefined when its record cannot be read. */
export type Placed = { place: Place; subscriber: Subscriber | undefined };

/** Part of a topic's subscribers: those of classes up to `through`, behind `after`, before `before`. */
export type Range = { after: Place; through: Delay; before?: string };

export const subscriberKey = (topic: string, { delay, id }: Place) => [BY_TOPIC, topic, delay, id];

export const topicHash = (topic: string) => shortHash(topic);

/** The key and the value under which a subscription stands for one of its topics. */
export function subscriberEntry(
  subscription: Subscription,
  { topic, wireTopic, expiresAt }: SubscribedTopic,
): [Deno.KvKey, Uint8Array] {
  const { id, owner, transport, address, keys, triggers, clientId, minPriority, vapidKey, protocol, confirmed } =
    subscription;
  const subscriber: Subscriber = {
    id,
    owner,
    transport,
    address,
    keys,
    triggers,
    clientId,
    minPriority,
    vapidKey,
    protocol,
    wireTopic,
    confirmed,
    expiresAt,
  };
  return [subscriberKey(topicHash(topic), { delay: classOf(subscription.maxDelay), id }), encodeRecord(subscriber)];
}

/** Reads up to `limit` subscribers of a topic's hash, in order. */
export async function readSubscribers(
  kv: Deno.Kv,
  topic: string,
  { after, through, before = END }: Range,
  limit: number,
): Promise<Placed[]> {
  const range = { start: [BY_TOPIC, topic, after.delay, `${after.id}\0`], end: [BY_TOPIC, topic, through, before] };
  const entries = kv.list<unknown>(range, { limit, batchSize: Math.min(limit, 500) });
  return await withDeadline("reading subscribers", Array.fromAsync(entries, toPlaced));
}

/** Whether anybody is subscribed to a topic's hash. */
export async function hasSubscribers(kv: Deno.Kv, topic: string): Promise<boolean> {
  const entries = Array.fromAsync(kv.list({ prefix: [BY_TOPIC, topic] }, { limit: 1 }));
  return (await withDeadline("looking for subscribers", entries)).length > 0;
}

function toPlaced({ key, value }: Deno.KvEntry<unknown>): Placed {
  const [, , delay, id] = key as [string, string, Delay, string];
  const subscriber = decodeRecord(value, shape);
  // What names somebody else would be ended, and told, in their place.
  return { place: { delay, id }, subscriber: subscriber?.id === id ? subscriber : undefined };
}
