/** What one delivery is, and what becomes of it: sent, tried again later, or ended. */
import { expiryOf, type SubscribedTopic, type Subscriber, type Subscription } from "../../model/subscription.ts";
import type { Delivery, Message, Outcome } from "../../model/delivery.ts";
import type { Merged } from "../../model/merge.ts";
import { shortHash } from "../../model/short_hash.ts";
import type { Retry } from "../../store/retries.ts";
import { findSubscription, type Kept, removeSubscription } from "../../store/subscriptions.ts";
import { backOff } from "./back_off.ts";
import type { DeliverDeps } from "./deps.ts";
import type { Entry } from "./retries.ts";
import type { Shard } from "./shard.ts";

/** How often a write is tried again that somebody else's came before. */
const MAX_CONFLICTS = 5;

/** Sends a message to one subscriber, and counts what came of it. Throws when the shard is lost. */
export async function send(shard: Shard, subscriber: Subscriber, message: Message, attempt = 0): Promise<Outcome> {
  await shard.own();
  return await deliver(shard.deps, subscriber, message, attempt);
}

/** `attempt`: how often it was tried before. */
export async function deliver(
  deps: DeliverDeps,
  subscriber: Subscriber,
  message: Message,
  attempt: number,
): Promise<Outcome> {
  const { senders, metrics, hashKey } = deps;
  const delivery: Delivery = { subscriber, message, until: subscriber.expiresAt, attempt };
  if (message) delivery.replaces = shortHash(hashKey, subscriber.id, message.topic);
  const outcome = await senders[subscriber.transport](delivery);
  metrics.deliveries.inc({ transport: subscriber.transport, outcome: outcome.kind });
  return outcome;
}

/** A delivery that has not been tried, or not been answered. */
export function toRetry(
  topic: string,
  merged: Merged,
  { expiresAt }: Pick<Subscriber, "expiresAt">,
  at: number,
): Retry {
  return { topic, merged, attempt: 0, at, until: expiresAt };
}

type Failed = { at?: number; tried: boolean; reason?: string };

/** When a retry is due next: no earlier than the push service wants, later each time that it was tried, never too late. */
export function postpone(retry: Retry, outcome: Failed, deps: DeliverDeps): Retry {
  const attempt = retry.attempt + Number(outcome.tried);
  const at = deps.clock.now() + backOff(retry.attempt, deps.random);
  const next = { ...retry, attempt, at: Math.round(Math.min(retry.until, Math.max(at, outcome.at ?? 0))) };
  return withReason(next, outcome);
}

/** Who is not asked at all, since its service rests, is so for the reason of before. */
export function withReason<T extends { reason?: string }>(tried: T, { reason }: Failed): T {
  return reason === undefined ? tried : { ...tried, reason };
}

/** Ends, keeps or postpones what was being tried. */
export async function conclude(shard: Shard, entry: Entry, outcome: Outcome): Promise<void> {
  entry.active = false;
  const again = entry.again;
  delete entry.again;
  if (outcome.kind === "gone" && !await endSubscription(shard.deps, entry.name.id)) {
    outcome = { kind: "retry", tried: true };
  }
  if (outcome.kind === "retry") {
    return shard.retries.set(entry, entry.retry && postpone(entry.retry, outcome, shard.deps));
  }
  // What came while it was being tried is not in it.
  const rest = outcome.kind === "gone" ? undefined : again;
  if (!entry.retry || !rest) return shard.retries.set(entry, undefined);
  const { reason: _, ...retry } = entry.retry;
  shard.retries.set(entry, { ...retry, merged: rest, attempt: 0, at: shard.deps.clock.now() });
}

/** The push service says that a subscription is gone. False when that could not be written down. */
export async function endSubscription({ kv, clock }: DeliverDeps, id: string): Promise<boolean> {
  try {
    for (let tries = 0; tries < MAX_CONFLICTS; tries++) {
      const found = await findSubscription(kv, id);
      if (!found.kept || await removeSubscription(kv, found, clock.now())) return true;
    }
  } catch {
    // Said again when it is tried again.
  }
  return false;
}

/** A subscription as its deliveries see it; undefined when the topic is none of its own, or has ended. */
export function subscriberOf({ subscription }: Kept, topic: string, now: number): Subscriber | undefined {
  const found = subscription.topics.find((subscribed) => subscribed.topic === topic);
  return found && found.expiresAt > now ? toSubscriber(subscription, found) : undefined;
}

/** A subscription as its initial push sees it. */
export function ownerOf({ subscription }: Kept): Subscriber {
  return { ...toSubscriber(subscription, subscription.topics[0]!), expiresAt: expiryOf(subscription) };
}

function toSubscriber(subscription: Subscription, { wireTopic, expiresAt }: SubscribedTopic): Subscriber {
  return { ...subscription, expiresAt, ...(wireTopic !== undefined && { wireTopic }) };
}
