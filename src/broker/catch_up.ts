/**
 * What a subscription would miss that moves to a shorter delay class: its new class may have been told what waits for its
 * old one. It is told of each topic once more, since nobody here knows what waits.
 */
import { DEFAULT_PRIORITY } from "../model/change.ts";
import { classOf } from "../model/delay.ts";
import type { Merged } from "../model/merge.ts";
import { shardOf } from "../model/shard.ts";
import type { Subscription } from "../model/subscription.ts";
import { setHandback } from "../store/pages.ts";
import type { Mutation } from "../store/shards.ts";
import { topicHash } from "../store/subscribers.ts";
import { toRetry } from "./deliver/outcome.ts";

/** What must be written together with the change, at `now`, milliseconds since 1970. */
export function catchUp(before: Subscription | undefined, after: Subscription, now: number): Mutation[] {
  if (!before || classOf(after.maxDelay) >= classOf(before.maxDelay)) return [];
  const known = new Set(before.topics.map(({ topic }) => topic));
  return after.topics.filter(({ topic }) => known.has(topic)).map(({ topic, expiresAt }) => {
    const hash = topicHash(topic), merged = anything(after.minPriority, now);
    return setHandback(shardOf(hash), { hash, id: after.id }, toRetry(topic, merged, { expiresAt }, now));
  });
}

/** Says that something happened, whatever the subscription asks for. */
function anything(minPriority: number, timestamp: number): Merged {
  const part = { depths: ["0" as const], except: [], timestamp };
  return {
    priority: Math.max(DEFAULT_PRIORITY, minPriority),
    timestamp,
    content: part,
    property: { ...part, props: [] },
  };
}
