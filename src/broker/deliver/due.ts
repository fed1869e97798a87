/** Retries whose time has come. The subscription is read again before it is sent to: it may have changed, or ended. */
import type { Outcome } from "../../model/delivery.ts";
import { type Due, listDue, nextDue, readRetries, type ReadRetry, type Retry, retryKey } from "../../store/retries.ts";
import { setAside } from "../../store/set_aside.ts";
import { findSubscription, type Found, subscriptionKey } from "../../store/subscriptions.ts";
import type { Subscriber } from "../../model/subscription.ts";
import { tell } from "../../model/tell.ts";
import { conclude, send, subscriberOf } from "./outcome.ts";
import type { Entry } from "./retries.ts";
import type { Shard } from "./shard.ts";
import { createSlots } from "./slots.ts";

/** Tried at once. */
const SLOTS = 128;

/** Read together, and looked at, so that it is known how many are due. */
const TOGETHER = 50;
const LISTED = 1_000;

/** Milliseconds until it is looked again whether a record of another version can be read. */
const UNKNOWN_REST = 60_000;

/** Milliseconds to wait with a message until the initial push was tried again. */
const AFTER_INITIAL = 1_000;

/** The retries of one shard whose time has come. */
export function createDue(shard: Shard) {
  const { retries, number, stopping, deps: { kv, clock } } = shard;
  const slots = createSlots(SLOTS);

  /** Starts what is due, until nothing is. Throws when the shard is lost. */
  async function run(): Promise<void> {
    retries.beginLooking();
    const until = clock.now();
    let after: Due | undefined;
    do {
      const due: Due[] = await shard.insist(() => listDue(kv, number, until, LISTED, after));
      retries.due = due.length;
      const some = due.slice(0, TOGETHER);
      for (const entry of await pick(shard, some)) await slots.start(() => tryOne(shard, entry));
      after = some.at(-1);
    } while (after && !stopping.aborted);
    retries.foundDue(await shard.insist(() => nextDue(kv, number, until)));
  }

  return { run, settled: slots.settled };
}

async function pick(shard: Shard, due: Due[]): Promise<Entry[]> {
  const { retries, deps } = shard;
  for (const { hash } of due) retries.hold(hash);
  const read = await shard.insist(() => readRetries(deps.kv, due));
  const picked = due.flatMap((each, index) => pickOne(shard, each, read[index]!));
  for (const { hash } of due) retries.release(hash);
  due.forEach((each, index) => read[index]!.unknown && setAside(deps, "retry", retryKey(each)));
  return picked;
}

function pickOne({ retries }: Shard, due: Due, read: ReadRetry): Entry[] {
  const entry = retries.find(due, read);
  if (read.unknown || entry?.active) return [];
  if (entry?.retry?.at !== due.at) return (retries.dropDue(due), []);
  entry.active = true;
  return [entry];
}

async function tryOne(shard: Shard, entry: Entry): Promise<void> {
  const { kv, clock, metrics } = shard.deps;
  if (shard.stopping.aborted) return void (entry.active = false);
  const found = await shard.insist(() => findSubscription(kv, entry.name.id));
  const subscriber = found.kept && subscriberOf(found.kept, entry.retry!.topic, clock.now());
  // It may have been renewed since.
  if (subscriber) entry.retry = { ...entry.retry!, until: subscriber.expiresAt };
  const isOver = !subscriber && entry.retry!.until <= clock.now();
  if (isOver) metrics.deliveriesExpired.inc();
  const outcome: Outcome = isOver ? { kind: "rejected" } : await sendAgain(shard, entry.retry!, found, subscriber);
  await conclude(shard, entry, outcome);
}

async function sendAgain(
  shard: Shard,
  { topic, merged, attempt }: Retry,
  { id, kept, unknown }: Found,
  subscriber: Subscriber | undefined,
): Promise<Outcome> {
  if (unknown) setAside(shard.deps, "subscription", subscriptionKey(id));
  if (unknown) return { kind: "retry", at: shard.deps.clock.now() + UNKNOWN_REST, tried: false };
  if (subscriber && !subscriber.confirmed && kept?.initial) {
    return { kind: "retry", at: kept.initial.at + AFTER_INITIAL, tried: false };
  }
  const told = subscriber && tell(subscriber, merged);
  return told ? await send(shard, subscriber, { topic, merged: told }, attempt) : { kind: "rejected" };
}
