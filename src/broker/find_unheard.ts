/** Which changes nobody hears of: neither by a stream here, nor by a subscription, nor by a stream of another worker. */
import type { Change } from "../model/change.ts";
import { hasSubscribers, topicHash } from "../store/subscribers.ts";
import type { Presence } from "./presence.ts";
import type { Streams } from "./streams.ts";

/** None of those of which nobody can be sure. Throws `kv_failed` or `kv_timeout`. */
export type FindUnheard = (changes: Change[]) => Promise<Change[]>;

type Deps = {
  kv: Deno.Kv;
  streams: Pick<Streams, "isHeard">;
  presence: Pick<Presence, "findListened">;
};

export function createFindUnheard({ kv, streams, presence }: Deps): FindUnheard {
  return async (changes) => {
    const open = changes.filter((change) => !streams.isHeard(change));
    if (open.length === 0) return [];
    const topics = [...new Set(open.flatMap(({ topics }) => topics))];
    const [subscribed, isListened] = await Promise.all([
      Promise.all(topics.map((topic) => hasSubscribers(kv, topicHash(topic)))),
      presence.findListened(topics),
    ]);
    const held = new Set(topics.filter((topic, n) => subscribed[n] || isListened(topic)));
    return open.filter(({ topics }) => topics.every((topic) => !held.has(topic)));
  };
}
