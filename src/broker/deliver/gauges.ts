/** What the engine measures of itself once a second, and how far deliveries are behind the journal. */
import type { Clock } from "../../clock.ts";
import type { Metrics } from "../../metrics.ts";
import type { SeenBatch } from "../ring.ts";
import { createLag, type Lag } from "./lag.ts";
import type { Schedule } from "./schedule.ts";
import type { Shard } from "./shard.ts";

type Deps = {
  clock: Clock;
  metrics: Metrics;
  schedule: Schedule;
  shards: () => IteratorObject<Shard>;
  /** How far the shards of other workers had got. */
  foreign: () => string[];
};

export function createGauges({ clock, metrics, schedule, shards, foreign }: Deps) {
  const meter = createLag(clock);
  let lag: Lag = { milliseconds: 0, bytes: 0 };

  function measure(): void {
    metrics.queueAge.set(schedule.queue.age() / 1000);
    metrics.windowsOpen.set(schedule.waiting());
    metrics.shardsOwned.set(shards().toArray().length);
    metrics.retriesDue.set(shards().reduce((sum, { retries }) => sum + retries.due, 0));
    lag = worstLag();
    metrics.shardLag.set(lag.milliseconds / 1000);
  }

  /** Of all shards, those of other workers as well. */
  function worstLag(): Lag {
    const cursors = [...shards().map(({ cursor }) => cursor()), ...foreign()].sort();
    return cursors[0] === undefined ? { milliseconds: 0, bytes: 0 } : meter.behind(cursors[0]);
  }

  return {
    seen: ({ versionstamp, bytes }: SeenBatch) => meter.seen(versionstamp, bytes),
    measure,
    /** How far the slowest shard is behind the journal, as of the last second. */
    lag: () => lag,
  };
}
