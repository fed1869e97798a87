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
  const running = new Map<Promise<void>, Shard>();
  let first = 0;

  /** Queues a window, unless it waits already or is being sent. */
  function push(shard: Shard, window: Window): void {
    if (window.queued) return;
    window.queued = true;
    turns.push({ shard, window, since: clock.elapsed() });
    pump();
  }

  function pump(): void {
    while (running.size < limit && first < turns.length) {
      const { shard, window } = turns[first++]!;
      if (first > 1_000) [turns, first] = [turns.slice(first), 0];
      const done: Promise<void> = run(shard, window).catch(() => {}).then(() => end(done, shard, window));
      running.set(done, shard);
    }
  }

  /** Whatever came of it: the shard may be lost. */
  function end(done: Promise<void>, shard: Shard, window: Window): void {
    running.delete(done);
    window.queued = false;
    schedule(shard, window);
    pump();
  }

  /** Resolves when nothing runs, or nothing of one shard. What begins meanwhile is waited for as well. */
  async function settled(of?: Shard): Promise<void> {
    const isMeant = () => [...running].filter(([, shard]) => !of || shard === of).map(([done]) => done);
    for (let rest = isMeant(); rest.length > 0; rest = isMeant()) await Promise.all(rest);
  }

  return {
    push,
    /** How many wait. */
    waiting: () => turns.length - first,
    running: () => running.size,
    settled,
    /** Milliseconds that the oldest one waits. */
    age: () => first < turns.length ? clock.elapsed() - turns[first]!.since : 0,
  };
}
