/** The shapes of a subscription: as it is kept, and as it stands with each of its topics. */
import { MAX_TOPICS, type PushKeys, type SubscribedTopic, type Subscriber } from "../model/subscription.ts";
import type { Subscription, Triggers } from "../model/subscription.ts";
import { depth } from "./merged_shape.ts";
import { flag, instant, line, list, members, number, oneOf, optional, text, texts } from "./shape.ts";

const triggers = members<Triggers>({
  content: optional(members<NonNullable<Triggers["content"]>>({ depth })),
  property: optional(members<NonNullable<Triggers["property"]>>({ depth, props: texts })),
});

const shared = {
  id: text,
  owner: line,
  transport: oneOf("web-push" as const),
  address: text,
  keys: members<PushKeys>({ p256dh: text, auth: text }),
  triggers,
  clientId: optional(text),
  minPriority: number,
  vapidKey: text,
  protocol: optional(oneOf("webdav-push" as const)),
  confirmed: flag,
};

const topic = { wireTopic: optional(text), expiresAt: instant };

export const subscriber = members<Subscriber>({ ...shared, ...topic });

export const subscription = members<Subscription>({
  ...shared,
  topics: list(members<SubscribedTopic>({ topic: text, ...topic }), { min: 1, max: MAX_TOPICS }),
  maxDelay: number,
});
