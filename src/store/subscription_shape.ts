/** The shapes of a subscription: as it is kept, and as it stands with each of its topics. */
import { MAX_TOPICS, type SubscribedTopic, type Subscriber } from "../model/subscription.ts";
import type { Keys, Subscription, Transport, Triggers } from "../model/subscription.ts";
import { depth } from "./merged_shape.ts";
import { instant, list, members, number, object, optional, type Shape, text, texts } from "./shape.ts";

const triggers = members<Triggers>({
  content: optional(members<NonNullable<Triggers["content"]>>({ depth })),
  property: optional(members<NonNullable<Triggers["property"]>>({ depth, props: texts })),
});

type Shared = Omit<Subscription, "topics" | "maxDelay">;

/** Member by member: the scan of a topic looks at each of its subscribers. */
const shared: Shape<Shared> = (value): value is Shared => {
  if (!object<Shared>(value)) return false;
  const { id, owner, transport, address, keys, clientId, minPriority, vapidKey, protocol, confirmed } = value;
  return text(id) && text(owner) && text(address) && areKeys(transport, keys) &&
    triggers(value.triggers) && (clientId === undefined || text(clientId)) && number(minPriority) &&
    text(vapidKey) && (protocol === undefined || protocol === "webdav-push") && typeof confirmed === "boolean";
};

/** By transport, what its sender relies on. */
const KEYS: Record<Transport, Shape<Keys>> = {
  "web-push": (value): value is Keys => object<Keys>(value) && text(value.p256dh) && text(value.auth),
  webhook: (value): value is Keys => object<Keys>(value) && text(value.secret),
  apns: (value): value is Keys => object<Keys>(value) && Object.values(value).every(text),
  fcm: (value): value is Keys => object<Keys>(value) && Object.values(value).every(text),
};

function areKeys(transport: unknown, keys: unknown): boolean {
  return typeof transport === "string" && Object.hasOwn(KEYS, transport) && KEYS[transport as Transport](keys);
}

const timed: Shape<Omit<SubscribedTopic, "topic">> = (value): value is Omit<SubscribedTopic, "topic"> =>
  object<SubscribedTopic>(value) && instant(value.expiresAt) &&
  (value.wireTopic === undefined || text(value.wireTopic));

export const subscriber: Shape<Subscriber> = (value): value is Subscriber => shared(value) && timed(value);

const topic: Shape<SubscribedTopic> = (value): value is SubscribedTopic =>
  object<SubscribedTopic>(value) && text(value.topic) && timed(value);
const rest = members<Pick<Subscription, "topics" | "maxDelay">>({
  topics: list(topic, { min: 1, max: MAX_TOPICS }),
  maxDelay: number,
});

export const subscription: Shape<Subscription> = (value): value is Subscription => shared(value) && rest(value);
