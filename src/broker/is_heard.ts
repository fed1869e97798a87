/** Whether anybody hears of a change: by a stream here, by a subscription, or by a stream of another worker. */
import type { Change } from "../model/change.ts";
import { hasSubscribers, topicHash } from "../store/subscribers.ts";
import type { Presence } from "./presence.ts";
import type { Streams } from "./streams.ts";

/** True as well where nobody can be sure. Throws `kv_failed` or `kv_timeout`. */
export type IsHeard = (change: Change) => Promise<boolean>;

type Deps = {
  kv: Deno.Kv;
  streams: Pick<Streams, "isHeard">;
  presence: Pick<Presence, "mayListenElsewhere">;
};

export function createIsHeard({ kv, streams, presence }: Deps): IsHeard {
  const isHeld = (topic: string) => [hasSubscribers(kv, topicHash(topic)), presence.mayListenElsewhere(topic)];
  return async (change) =>
    streams.isHeard(change) || (await Promise.all(change.topics.flatMap(isHeld))).some((held) => held);
}
