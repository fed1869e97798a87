/** Whose turn it is: windows that may be sent wait here, and go on merging while they do. */
import type { Clock } from "../../clock.ts";
import type { Shard } from "./shard.ts";
import type { Window } from "./window.ts";

type Turn = { shard: Shard; window: Window; since: number };

export type Queue = ReturnType<typeof createQueue>;

/** Each turn is `run`, at most `limit` at once, and then `schedule`d anew. */
export function createQueue(
  clock: Clock,
  limit: number,
  run: (shard: Shard, window: Window) => Promise<void>,
  schedule: (shard: Shard, window: Window) => void,
) {
  let turns: Turn[] = [];
  let first = 0, running = 0;
  let idle = Promise.withResolvers<void>();

  /** Queues a window, unless it waits already or is being sent. */
  function push(shard: Shard, window: Window): void {
    if (window.queued) return;
    window.queued = true;
    turns.push({ shard, window, since: clock.elapsed() });
    pump();
  }

  function pump(): void {
    while (running < limit && first < turns.length) {
      const { shard, window } = turns[first++]!;
      if (first > 1_000) [turns, first] = [turns.slice(first), 0];
      void turn(shard, window);
    }
  }

  async function turn(shard: Shard, window: Window): Promise<void> {
    running++;
    await run(shard, window).catch(() => {}); // the shard is lost
    running--;
    window.queued = false;
    schedule(shard, window);
    pump();
    if (running > 0) return;
    idle.resolve();
    idle = Promise.withResolvers();
  }

  return {
    push,
    /** How many wait. */
    waiting: () => turns.length - first,
    running: () => running,
    /** Resolves when nothing runs. */
    settled: async () => {
      if (running > 0) await idle.promise;
    },
    /** Milliseconds that the oldest one waits. */
    age: () => first < turns.length ? clock.elapsed() - turns[first]!.since : 0,
  };
}
