/** Scanning the subscribers of a topic, chunk by chunk, with the retries that wait for them. */
import { type ReadRetry, readTopicRetries } from "../../store/retries.ts";
import { type Placed, type Range, readSubscribers } from "../../store/subscribers.ts";

const CHUNK = 500;

/** `retries` by subscriber; `full` when there may be more behind it. */
export type Chunk = { placed: Placed[]; retries: Map<string, ReadRetry>; full: boolean };

/** `ask` calls the database until it answers. */
export async function* scanTopic(
  kv: Deno.Kv,
  ask: <T>(call: () => Promise<T>) => Promise<T>,
  hash: string,
  range: Range,
): AsyncGenerator<Chunk, void> {
  for (let full = true, { after } = range; full;) {
    const placed = await ask(() => readSubscribers(kv, hash, { ...range, after }, CHUNK));
    full = placed.length === CHUNK;
    if (placed.length === 0) return;
    after = placed.at(-1)!.place;
    const ids = placed.map(({ place }) => place.id).sort();
    yield { placed, retries: await ask(() => readTopicRetries(kv, hash, ids[0]!, ids.at(-1)!)), full };
  }
}
