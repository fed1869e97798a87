/** The delivery engine: a second reader of the journal, which sends what happened to whoever subscribed. */
import { causeOf } from "../../errors.ts";
import { shardOf, SHARDS } from "../../model/shard.ts";
import type { Subscription } from "../../model/subscription.ts";
import { topicHash } from "../../store/subscribers.ts";
import type { SeenBatch } from "../ring.ts";
import type { DeliverDeps } from "./deps.ts";
import { createGauges } from "./gauges.ts";
import { hasWork } from "./has_work.ts";
import { LAPSE } from "./lease.ts";
import { loadWindows } from "./load_windows.ts";
import { createOwnership } from "./ownership.ts";
import { createPages } from "./pages.ts";
import { createReader } from "./reader.ts";
import { createSchedule } from "./schedule.ts";
import { createSharing, type Owned } from "./sharing.ts";
import type { Shard } from "./shard.ts";
import { createUpkeep, type Upkeep } from "./upkeep.ts";
import { endRest } from "./window.ts";
import { within } from "./within.ts";

/** Milliseconds between two rounds of upkeep, and between two looks for shards and pages that nobody holds. */
const ROUND = 1_000;
const LOOK = 5_000;

/** Milliseconds that deliveries under way have when this worker leaves: Deploy gives it five seconds. */
const LEAVE_WITHIN = 2_500;
const RELEASE_WITHIN = 1_000;

export type Deliveries = ReturnType<typeof createDeliveries>;

/** `since` is the newest batch that was seen before the first that `seen` is told of. */
export function createDeliveries(deps: DeliverDeps & { since: string; maxWaiting?: number }) {
  const { clock, log, metrics, embedded } = deps;
  const stopping = new AbortController();
  const owned: Owned = new Map();
  const shards = () => owned.values().map(({ shard }) => shard);
  const pages = createPages(deps, stopping.signal);
  const schedule = createSchedule(clock, () => void pages.look().catch(() => {}), stopping.signal);
  const reader = createReader({ ...deps, schedule, shards });
  const ownership = createOwnership({
    deps,
    head: reader.head,
    has: (shard) => owned.has(shard),
    hasWork: (shard) => hasWork(deps, shard),
    taken: begin,
    stopping: stopping.signal,
  });
  const sharing = createSharing({ owned, schedule, log });
  const beginning = new Set<Promise<void>>();
  const gauges = createGauges({ clock, metrics, schedule, shards, foreign: ownership.foreign });
  let lookAt = 0;

  function seen(batch: SeenBatch): void {
    gauges.seen(batch);
    reader.seen(batch);
  }

  /** Takes the shards that may be taken; on the embedded database all, since whoever had them is dead. */
  async function open(): Promise<void> {
    await take({ all: embedded });
  }

  async function take(options?: { all: boolean }): Promise<void> {
    lookAt = clock.elapsed() + LOOK;
    await ownership.look(options);
  }

  function begin(shard: Shard): void {
    const upkeep = createUpkeep(shard, (window) => schedule.schedule(shard, window));
    owned.set(shard.number, { shard, upkeep });
    shard.lost.addEventListener("abort", () => drop(shard));
    const going = goOn(shard, upkeep).catch((thrown) => {
      if (!shard.lost.aborted && !stopping.signal.aborted) {
        log.error("a shard was not begun: {code}", causeOf(thrown));
      }
    });
    beginning.add(going);
    void going.finally(() => beginning.delete(going));
  }

  /** Goes on from what the owner before wrote down. */
  async function goOn(shard: Shard, upkeep: Upkeep): Promise<void> {
    await loadWindows(shard);
    await upkeep.begin();
    await reader.catchUp(shard);
    for (const window of shard.windows.values()) schedule.schedule(shard, window);
  }

  function drop(shard: Shard): void {
    log.warning("a shard is another worker's now: {shard}", { shard: shard.number });
    sharing.forget(shard);
    schedule.drop(shard);
  }

  /** Once a second, until the signal aborts. */
  async function run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await clock.wait(ROUND, signal);
      if (signal.aborted) return;
      await round().catch((thrown) => {
        log.warning("deliveries wait for the database: {code}", causeOf(thrown));
      });
    }
  }

  async function round(): Promise<void> {
    await writeAll((shard) => shard.needsCheckpoint());
    gauges.measure();
    for (const { upkeep } of owned.values()) upkeep.tick();
    if (clock.elapsed() < lookAt) return;
    await renew();
    await take();
    sharing.giveBack(ownership.share());
    await pages.look();
  }

  /** Shows that we live where others see that there is work, by the same look: else they would take it. */
  async function renew(): Promise<void> {
    if (embedded) return;
    for (const { shard } of owned.values()) if (shard.isOld() && await hasWork(deps, shard.number)) await write(shard);
  }

  /** Writes down how far every shard has read, so that the journal may be pruned up to there. */
  async function checkpoint(): Promise<void> {
    const isBehind = (shard: Shard) => shard.applied !== shard.cursor();
    await writeAll(isBehind);
    // Where a write was under way already, it did not hold the newest.
    await writeAll(isBehind);
  }

  /** One after the other, so that a publisher's commit never waits for sixteen. */
  async function writeAll(which: (shard: Shard) => boolean): Promise<void> {
    for (const { shard } of owned.values()) if (which(shard)) await write(shard);
  }

  /** A shard that is not written is tried again in the next round; a database that hangs ends this one. */
  async function write(shard: Shard): Promise<void> {
    const stop = metrics.checkpointSeconds.startTimer();
    try {
      await shard.checkpoint();
    } catch (thrown) {
      const cause = causeOf(thrown);
      if (cause.code === "kv_timeout") throw thrown;
      // What waited behind its giving back was written with it, or is left to the next owner.
      if (!shard.lost.aborted && !shard.isGivenBack()) log.warning("a shard was not written: {code}", cause);
    } finally {
      stop();
    }
  }

  /** A subscription was made or changed at this worker: it may wait for its initial push, and its topics for somebody. */
  function subscribed({ id, confirmed, topics }: Subscription): void {
    if (!confirmed) owned.get(shardOf(id))?.upkeep.pushInitials();
    for (const { topic } of topics) {
      const hash = topicHash(topic), shard = owned.get(shardOf(hash))?.shard;
      const window = shard?.windows.get(hash);
      if (!shard || !window) continue;
      endRest(window, clock.elapsed());
      schedule.schedule(shard, window);
    }
  }

  /** For the cron: takes what an owner that lapsed has left, which takes as long as it takes to see that. */
  async function adopt(): Promise<void> {
    await take();
    if (owned.size === SHARDS) return;
    await clock.wait(LAPSE, stopping.signal);
    if (!stopping.signal.aborted) await take();
  }

  /** Begins nothing more, waits a moment for what is under way, and gives the shards back. */
  async function drain(): Promise<void> {
    stopping.abort();
    await within(clock, LEAVE_WITHIN, settled());
    await within(clock, RELEASE_WITHIN, release());
  }

  async function settled(): Promise<void> {
    await ownership.settled();
    const jobs = owned.values().map(({ upkeep }) => upkeep.settled());
    await Promise.all([...beginning, ...jobs, sharing.settled(), schedule.queue.settled(), pages.settled()]);
  }

  /** What cannot be given back, another worker takes when it has lapsed. */
  async function release(): Promise<void> {
    for (const shard of shards()) await shard.release().catch(() => {});
  }

  return {
    open,
    seen,
    run,
    adopt,
    checkpoint,
    drain,
    lag: gauges.lag,
    subscribed,
  };
}
