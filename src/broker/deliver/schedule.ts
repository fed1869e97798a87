/** When each window is sent: at once, when its time has come, or when its pages are done. */
import type { Clock } from "../../clock.ts";
import { causeOf } from "../../errors.ts";
import { setPages } from "../../store/pages.ts";
import { type Passed, runPass } from "./pass.ts";
import { createQueue } from "./queue.ts";
import type { Shard } from "./shard.ts";
import { beginSending, endSending, opensAt, type Window } from "./window.ts";

/** Passes under way at once. */
const MAX_PASSES = 128;

/** Milliseconds: how often it is looked which windows have opened. */
const TICK = 100;

/** Milliseconds after a fault of ours. */
const PAUSE = 1_000;

/** Under load a topic rests twice as long as the queue is old, milliseconds, and no longer than this. */
const MAX_LOAD = 60_000;

export type Schedule = ReturnType<typeof createSchedule>;

/** `paged` is called when a topic was cut into pages and that is written down. */
export function createSchedule(clock: Clock, paged: () => void, stopping: AbortSignal) {
  const waiting = new Map<Window, Shard>();
  const queue = createQueue(clock, MAX_PASSES, turn, schedule);
  let armed = false;

  function schedule(shard: Shard, window: Window): void {
    if (window.queued || window.paged || shard.stopping.aborted || shard.lost.aborted) return;
    const at = window.sending ? -Infinity : opensAt(window);
    if (at > clock.elapsed()) return wait(shard, window, at);
    waiting.delete(window);
    queue.push(shard, window);
  }

  function wait(shard: Shard, window: Window, at: number): void {
    if (at === Infinity || waiting.has(window)) return;
    waiting.set(window, shard);
    if (!armed) void openInTime();
  }

  async function openInTime(): Promise<void> {
    armed = true;
    while (waiting.size > 0 && !stopping.aborted) {
      await clock.wait(TICK, stopping);
      for (const [window, shard] of waiting) schedule(shard, window);
    }
    armed = false;
  }

  async function turn(shard: Shard, window: Window): Promise<void> {
    if (shard.stopping.aborted || shard.lost.aborted) return;
    if (!window.sending && !beginSending(window, clock.elapsed())) return;
    shard.markDirty(window);
    try {
      const passed = await runPass(shard, window);
      if (passed) return finish(shard, window, passed);
      await clock.wait(PAUSE, shard.stopping);
    } catch (thrown) {
      // Whoever owns a lost shard goes on from what was written down.
      shard.lost.throwIfAborted();
      shard.deps.log.error("a topic was not sent, it is tried again: {code}", causeOf(thrown));
      await clock.wait(PAUSE, shard.stopping);
    }
  }

  function finish(shard: Shard, window: Window, { found, rest }: Passed): void {
    const { hash, topic, sending } = window;
    if (rest) {
      window.paged = "cut";
      shard.writeToo(setPages(shard.number, hash, { topic, classes: sending!.classes, after: rest }), () => {
        window.paged = "written";
        paged();
      });
    }
    endSending(window, found);
    shard.markDirty(window);
  }

  return {
    schedule,
    queue,
    waiting: () => waiting.size + queue.waiting() + queue.running(),
    /** Milliseconds that everything rests, since there is more to do than can be done. */
    load: () => Math.min(MAX_LOAD, 2 * queue.age()),
    /** Forgets the windows of a shard that was lost, or is given back. */
    drop: (shard: Shard) => {
      for (const [window, of] of waiting) if (of === shard) waiting.delete(window);
    },
  };
}
