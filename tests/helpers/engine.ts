/** The delivery engine over a real embedded database in memory, with senders that a test holds in its hand. */
import { getLogger } from "@logtape/logtape";
import { createDeliveries } from "../../src/broker/deliver/deliveries.ts";
import { prepare, toDraft } from "../../src/broker/submission.ts";
import { createMetrics } from "../../src/metrics.ts";
import type { Change } from "../../src/model/change.ts";
import type { Delivery, Outcome } from "../../src/model/delivery.ts";
import { EARLIEST } from "../../src/model/position.ts";
import type { Subscription } from "../../src/model/subscription.ts";
import { append } from "../../src/store/journal.ts";
import { findSubscription, type Initial, saveSubscription } from "../../src/store/subscriptions.ts";
import { allSenders, change } from "./broker.ts";
import { manualClock } from "./clock.ts";
import { watchKv } from "./watched_kv.ts";

/** A delivery that was sent, and when. */
export type Sent = { id: string; topic: string | undefined; at: number; delivery: Delivery };

type Options = {
  clock?: ReturnType<typeof manualClock>;
  embedded?: boolean;
  /** How many workers live. */
  workers?: () => number;
  since?: string;
  maxWaiting?: number;
  /** What the push service answers; delivered when it says nothing. */
  answer?: (delivery: Delivery) => Outcome | undefined | Promise<Outcome | undefined>;
};

const DELIVERED: Outcome = { kind: "delivered" };

export type Engine = ReturnType<typeof createEngine>;

/** Starts nothing by itself. Once it is killed, nothing of it reaches the database any more. */
export function createEngine(database: Deno.Kv, options: Options = {}) {
  const {
    clock = manualClock(),
    embedded = true,
    since = EARLIEST.versionstamp,
    maxWaiting,
    workers = () => 1,
    answer,
  } = options;
  const { kv, idle, kill: killKv } = watchKv(database);
  const sent: Sent[] = [];
  const metrics = createMetrics();
  const stopping = new AbortController();
  let changed = Promise.withResolvers<void>();

  async function send(delivery: Delivery): Promise<Outcome> {
    const { subscriber: { id }, message } = delivery;
    sent.push({ id, topic: message?.topic, at: clock.elapsed(), delivery });
    changed.resolve();
    changed = Promise.withResolvers();
    return await answer?.(delivery) ?? DELIVERED;
  }

  const deliveries = createDeliveries({
    kv,
    embedded,
    clock,
    random: () => 0.5,
    log: getLogger("carillon"),
    metrics,
    senders: allSenders(send),
    hashKey: "key",
    worker: crypto.randomUUID(),
    workers: () => Promise.resolve(workers()),
    since,
    maxWaiting,
  });

  async function start(): Promise<void> {
    await deliveries.open();
    running = deliveries.run(stopping.signal);
  }
  let running = Promise.resolve();

  /** Commits changes as the broker does, lets the engine see them, and waits until it has done what it can. */
  async function publish(...changes: Change[]): Promise<void> {
    deliveries.seen(await commitChanges(database, ...changes));
    await idle();
  }

  /** Moves the time in steps, so that what waits for one of them can wait for the next. */
  async function pass(milliseconds: number, step = 1_000): Promise<void> {
    for (let passed = 0; passed < milliseconds; passed += step) {
      clock.advance(Math.min(step, milliseconds - passed));
      await idle();
    }
  }

  /** Resolves when so many were sent in all. */
  async function until(count: number): Promise<Sent[]> {
    while (sent.length < count) await changed.promise;
    return sent;
  }

  /** As a process is killed: what is under way has no outcome any more. */
  function kill(): void {
    killKv();
    stopping.abort();
  }

  /** As a process leaves. */
  async function leave(): Promise<void> {
    stopping.abort();
    await deliveries.drain();
    await running;
  }

  return { ...deliveries, clock, metrics, sent, start, publish, pass, until, idle, kill, leave };
}

/** Commits changes to the journal, and answers the batch as a follower sees it. */
export async function commitChanges(kv: Deno.Kv, ...changes: Change[]) {
  const draft = toDraft([prepare({ changes })], 0);
  const result = await append(kv, draft);
  if (!result.ok) throw new Error("the batch was not committed");
  return { versionstamp: result.versionstamp, bytes: draft.value.byteLength, changes };
}

/** A content change of a topic, as a server tells it. */
export function contentChange(topic: string, more: Partial<Change> = {}): Change {
  const { content, ...rest } = { content: { depth: "1" as const, except: [] }, ...more };
  return change(topic, { data: undefined, private: true, content, ...rest });
}

/** Far behind the end of every test. */
const LATER = Date.UTC(2027, 0);

export function subscription(id: string, topics: string[], more: Partial<Subscription> = {}): Subscription {
  return {
    id: id.padEnd(22, "_"),
    owner: "owner",
    transport: "web-push",
    address: `https://push.example/${id}`,
    keys: { p256dh: "key", auth: "secret" },
    topics: topics.map((topic) => ({ topic, expiresAt: LATER })),
    triggers: {},
    minPriority: 0,
    maxDelay: 60,
    vapidKey: "vapid",
    confirmed: true,
    ...more,
  };
}

/** Stores a subscription as the door does. */
export async function subscribe(kv: Deno.Kv, subscription: Subscription, initial?: Initial): Promise<void> {
  const found = await findSubscription(kv, subscription.id);
  const kept = initial ? { subscription: { ...subscription, confirmed: false }, initial } : { subscription };
  if (!await saveSubscription(kv, found, kept)) throw new Error("the subscription was not stored");
}
