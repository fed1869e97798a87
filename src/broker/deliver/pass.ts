/** One pass over the subscribers of a topic: each is sent what was merged for its delay class. */
import type { Delay } from "../../model/delay.ts";
import { setAside } from "../../store/set_aside.ts";
import { type Place, subscriberKey } from "../../store/subscribers.ts";
import { createFanOut, type FanOut } from "./fan_out.ts";
import { type Chunk, scanTopic } from "./scan.ts";
import type { Shard } from "./shard.ts";
import { createTelling } from "./telling.ts";
import { tellOne } from "./tell_one.ts";
import type { Window } from "./window.ts";

/** Deliveries of one topic that are under way at once: fewer than an origin takes, so that no topic fills it alone. */
const SLOTS = 64;

/** A topic with more subscribers is cut into pages. */
export const PAGE_AFTER = 10_000;

/** `found` are the classes that have subscribers; `rest` is where the pages must begin when there are too many. */
export type Passed = { found: Set<Delay>; rest?: Place };

/** Sends what the window holds; undefined when it was stopped before the end. Throws when the shard is lost. */
export async function runPass(shard: Shard, window: Window): Promise<Passed | undefined> {
  const fanOut = createFanOut({ slots: SLOTS, position: window.sending!.position, now: shard.deps.clock.elapsed });
  shard.sending.set(window, fanOut);
  shard.retries.hold(window.hash);
  try {
    const passed = await scan(shard, window, fanOut);
    const isComplete = await fanOut.settled();
    shard.lost.throwIfAborted();
    return isComplete ? passed : undefined;
  } finally {
    shard.retries.release(window.hash);
    shard.sending.delete(window);
  }
}

async function scan(shard: Shard, window: Window, fanOut: FanOut): Promise<Passed | undefined> {
  const { classes, position } = window.sending!;
  const through = classes.at(-1)!.delay;
  const after = position.delay < classes[0]!.delay ? { delay: classes[0]!.delay, id: "" } : position;
  const tell = createTeller(shard, window, fanOut);
  const found = new Set<Delay>();
  let count = 0;
  for await (const chunk of scanTopic(shard.deps.kv, shard.insist, window.hash, { after, through })) {
    await tell(chunk);
    if (shard.stopping.aborted) return undefined;
    for (const { place } of chunk.placed) found.add(place.delay);
    count += chunk.placed.length;
    if (chunk.full && count >= PAGE_AFTER) return { found, rest: chunk.placed.at(-1)!.place };
  }
  return { found };
}

function createTeller(shard: Shard, window: Window, fanOut: FanOut) {
  const tellings = new Map(window.sending!.classes.map(({ delay, merged }) => [delay, createTelling(merged)]));
  return async ({ placed, retries }: Chunk) => {
    for (const { place, subscriber } of placed) {
      if (shard.stopping.aborted) return;
      const told = subscriber && tellings.get(place.delay)?.(subscriber);
      if (!subscriber) setAside(shard.deps, "subscriber", subscriberKey(window.hash, place));
      if (subscriber && told) await tellOne({ shard, window, fanOut }, subscriber, place, told, retries.get(place.id));
      else fanOut.pass(place);
    }
  };
}
