/** A clock that stands still until a test moves it. */
import type { Clock } from "../../src/clock.ts";

export type ManualClock = Clock & { advance: (milliseconds: number) => void; readonly waiting: number };

export function manualClock(start = Date.UTC(2026, 10, 23)): ManualClock {
  let time = start;
  const timers = new Set<{ at: number; resolve: () => void }>();
  return {
    now: () => time,
    wait(milliseconds, signal) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = { at: time + milliseconds, resolve };
      timers.add(timer);
      const leave = () => void (timers.delete(timer), resolve());
      if (signal?.aborted) leave();
      signal?.addEventListener("abort", leave, { once: true });
      return promise;
    },
    /** Moves the time and fires what is due, in order. */
    advance(milliseconds) {
      time += milliseconds;
      const due = [...timers].filter(({ at }) => at <= time).sort((a, b) => a.at - b.at);
      for (const timer of due) void (timers.delete(timer), timer.resolve());
    },
    get waiting() {
      return timers.size;
    },
  };
}
