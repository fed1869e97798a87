/**
 * Fanning out: many deliveries under way at once, in the order of their places. What is known at any moment is the place up
 * to which all have an outcome.
 */
import type { Place } from "../../store/subscribers.ts";

/** One delivery under way. A settled one has an outcome, or stands written down elsewhere. */
type Task = { place: Place; since: number; settled: boolean; park: () => void };

export type FanOut = ReturnType<typeof createFanOut>;

export function createFanOut({ slots, position, now }: { slots: number; position: Place; now: () => number }) {
  let tasks: Task[] = [];
  let busy = 0, first = 0, abandoned = 0;
  let changed = Promise.withResolvers<void>();

  /** Starts a delivery when there is a slot for it. `park` writes it down elsewhere, should it take too long. */
  async function start(place: Place, run: () => Promise<void>, park: () => void): Promise<void> {
    while (busy >= slots) await changed.promise;
    const task: Task = { place, since: now(), settled: false, park };
    tasks.push(task);
    busy++;
    run().then(() => settle(task), () => abandon(task));
  }

  /** Passes a place where nothing is to be sent. */
  function pass(place: Place): void {
    tasks.push({ place, since: 0, settled: true, park: () => {} });
    advance();
  }

  function settle(task: Task): void {
    if (task.settled) return;
    task.settled = true;
    busy--;
    advance();
    signal();
  }

  /** It has no outcome, and never will: the shard is lost, or the database fails while this worker leaves. */
  function abandon({ settled }: Task): void {
    if (!settled) [busy, abandoned] = [busy - 1, abandoned + 1];
    signal();
  }

  function signal(): void {
    changed.resolve();
    changed = Promise.withResolvers();
  }

  function advance(): void {
    while (tasks[first]?.settled) position = tasks[first++]!.place;
    if (first > 1_000) [tasks, first] = [tasks.slice(first), 0];
  }

  /** Parks what has been under way for so long: nobody waits for it any more. */
  function parkOlderThan(milliseconds: number): void {
    const until = now() - milliseconds;
    for (const task of tasks.slice(first)) {
      if (task.settled || task.since > until) continue;
      task.park();
      settle(task);
    }
  }

  /** Resolves when nothing that was started is under way; says whether all of it has an outcome. */
  async function settled(): Promise<boolean> {
    while (busy > 0) await changed.promise;
    return abandoned === 0;
  }

  return { start, pass, parkOlderThan, settled, position: () => position };
}
