/** The broker: one journal, written by `publish`, and its two readers: streams, by the ring, and deliveries. */
import type { Logger } from "@logtape/logtape";
import type { Clock } from "../clock.ts";
import { causeOf } from "../errors.ts";
import type { ReadMemory } from "../memory.ts";
import type { Metrics } from "../metrics.ts";
import type { Senders } from "../model/delivery.ts";
import { readBell } from "../store/journal.ts";
import { readEpoch, readHashKey } from "../store/keys.ts";
import { prune, RETENTION } from "../store/retention.ts";
import { setAside } from "../store/set_aside.ts";
import { comparePositions, EARLIEST } from "../model/position.ts";
import { printEventId } from "../wire/event_id.ts";
import { createActiveSubscriptions } from "./active_subscriptions.ts";
import { announceKey } from "./announce_key.ts";
import { createDeliveries } from "./deliver/deliveries.ts";
import { endAll } from "./end_all.ts";
import { fillRing } from "./fill_ring.ts";
import { createFindUnheard } from "./find_unheard.ts";
import { createFollower } from "./follow.ts";
import { locate } from "./locate.ts";
import { createMemoryWatch } from "./memory_watch.ts";
import { createPace } from "./pace.ts";
import { ALONE, createPresence } from "./presence.ts";
import { createPublisher } from "./publish.ts";
import { createReplays } from "./replay.ts";
import { RING_BYTES, RING_EVENTS, type SeenBatch } from "./ring.ts";
import { createSeats } from "./seats.ts";
import type { LIMITS } from "./stream.ts";
import { createStreams } from "./streams.ts";
import { createSubscriptions } from "./subscriptions.ts";
import { createTopicNames } from "./topic_names.ts";

export type BrokerDeps = {
  kv: Deno.Kv;
  /** The embedded database: one process writes it. */
  embedded: boolean;
  clock: Clock;
  random: () => number;
  log: Logger;
  metrics: Metrics;
  senders: Senders;
  /** The public VAPID key of new subscriptions. */
  vapidKey: string;
  /** Event streams at this process, in all and of one owner. */
  maxStreams: number;
  maxSubjectStreams: number;
  /** Whether it is told which subscriptions are active. */
  activeSubscriptions: boolean;
  readMemory: ReadMemory;
  /** For tests: smaller limits reach what lies behind them sooner. */
  limits?: {
    ring?: { bytes: number; events: number };
    streams?: typeof LIMITS;
    patience?: number;
    maxWaiting?: number;
  };
};

export type Broker = Awaited<ReturnType<typeof openBroker>>;

/** Fills the ring from the journal, so that whoever is told `ready` finds the newest events in memory. */
export async function openBroker(deps: BrokerDeps) {
  const { kv, embedded, clock, random, log, metrics, limits } = deps;
  const ringLimits = limits?.ring ?? { bytes: RING_BYTES, events: RING_EVENTS };
  const epoch = await readEpoch(kv);
  const { ring, since } = await fillRing({ ...deps, epoch, limits: ringLimits });
  const pace = createPace(clock.elapsed);
  const replays = createReplays({ ...deps, ring, epoch, patience: limits?.patience });
  const memory = createMemoryWatch(deps);
  const seats = createSeats({ max: deps.maxStreams, maxOwned: deps.maxSubjectStreams, memory });
  const streams = createStreams({ ring, replays, seats, epoch, clock, random, metrics, limits: limits?.streams });
  const hashKey = await readHashKey(kv), topicNames = createTopicNames(hashKey);
  const worker = crypto.randomUUID();
  const presence = embedded ? ALONE : createPresence({ kv, clock, worker, matchers: streams.matchers });
  const delivering = { ...deps, hashKey, worker, workers: presence.count, since, maxWaiting: limits?.maxWaiting };
  const deliveries = createDeliveries(delivering);
  await deliveries.open();
  const follower = createFollower({ kv, embedded, since, clock, random, log, metrics, seen });
  const publisher = createPublisher({
    kv,
    embedded,
    epoch,
    clock,
    log,
    metrics,
    pace,
    committed: follower.offer,
    position: follower.position,
    isLagging,
  });

  const { submit } = publisher;
  const active = deps.activeSubscriptions
    ? createActiveSubscriptions({ ...deps, worker, presence, submit })
    : undefined;

  function seen(batch: SeenBatch): void {
    pace.followed(1);
    streams.deliver(ring.append(batch));
    deliveries.seen(batch);
  }

  /** Nothing that is not delivered is ever pruned: rather than outgrow its budget the journal takes no more. */
  function isLagging(): boolean {
    const { milliseconds, bytes } = deliveries.lag();
    return milliseconds > RETENTION.milliseconds / 2 || bytes > RETENTION.bytes / 2;
  }

  /** Once a minute: prunes the journal, ends what is over, and adopts the shards that nobody holds. */
  async function minute(): Promise<void> {
    await Promise.all([
      attempt("the journal was not pruned", pruneOnce),
      attempt("subscriptions were not ended", () => endAll(deps)),
      attempt("no shard was adopted", deliveries.adopt),
      attempt("who listens here was not written", presence.minute),
      attempt("what the dead left active was not ended", async () => await active?.minute()),
      attempt("nobody was told of the new VAPID key", () => announceKey(deps)),
    ]);
  }

  async function attempt(failure: string, run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } catch (thrown) {
      log.warning("{failure}, the next minute tries again: {code}", { failure, ...causeOf(thrown) });
    }
  }

  async function pruneOnce(): Promise<void> {
    await deliveries.checkpoint();
    const { batches, bytes, unread } = await prune(kv, clock.now(), RETENTION);
    for (const key of unread) setAside(deps, String(key[0]), key);
    metrics.pruned.inc(batches);
    metrics.journalBytes.set(bytes);
  }

  async function drainStreams(): Promise<void> {
    await streams.drain();
    await active?.drain();
    // What that has told, too, is read before the database is closed.
    await follower.catchUp().catch(() => {});
    await presence.leave().catch(() => {});
  }

  return {
    publish: publisher.publish,
    locate: (id: string) => locate(id, { ...deps, epoch, ring, follower }),
    /** Of the form in which they were once given; today's begin as no publisher's may. */
    isOwnId: (id: string) => id.startsWith(`${epoch}.`),
    seats,
    hashKey,
    /** The id of the newest event, or `earliest` where there is none. */
    head: () => comparePositions(ring.head, EARLIEST) === 0 ? "earliest" : printEventId(epoch, ring.head),
    announce: presence.announce,
    /** Undefined where it is not told which subscriptions are active. */
    active: active && { track: active.track, list: active.list },
    admit: streams.admit,
    findUnheard: createFindUnheard({ kv, streams, presence }),
    tick: () => (seats.look(), streams.tick()),
    minute,
    subscriptions: createSubscriptions({
      ...deps,
      hashKey,
      names: topicNames,
      subscribed: deliveries.subscribed,
    }),
    topicNames,
    lastToken: ring.lastToken,
    /** Follows the journal and delivers until the signal aborts. */
    run: async (signal: AbortSignal) => void await Promise.all([follower.run(signal), deliveries.run(signal)]),
    /** Throws when the database does not answer. */
    check: async () => void await readBell(kv, READY_WITHIN),
    /** Commits what was accepted, shows it to every stream, and ends them. */
    async drain(): Promise<void> {
      await publisher.drain();
      await follower.catchUp().catch(() => {});
      await Promise.all([drainStreams(), deliveries.drain()]);
    },
  };
}

/** Milliseconds that the database has to show that it answers: who asks for it does not wait longer. */
const READY_WITHIN = 2_000;
