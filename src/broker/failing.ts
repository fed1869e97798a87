/** What a subscription could not be told yet, for its owner to see. */
import type { Subscription } from "../model/subscription.ts";
import { readRetries } from "../store/retries.ts";
import { topicHash } from "../store/subscribers.ts";

/** `tries` failed so far; the next is due at `at`, milliseconds since 1970. */
export type Failing = { topic: string; tries: number; at: number };

/** As it was written down last: a second ago at most. Throws `kv_failed` or `kv_timeout`. */
export async function findFailing(kv: Deno.Kv, { id, topics }: Subscription): Promise<Failing[]> {
  const read = await readRetries(kv, topics.map(({ topic }) => ({ hash: topicHash(topic), id })));
  return read.flatMap(({ retry }) =>
    retry && retry.attempt > 0 ? [{ topic: retry.topic, tries: retry.attempt, at: retry.at }] : []
  );
}
