/** A clock that stands still until a test moves it. */
import { type Clock, systemClock } from "../../src/clock.ts";

export type ManualClock = Clock & {
  advance: (milliseconds: number) => void;
  /** Moves the wall clock alone, as a bad time server does. */
  jump: (milliseconds: number) => void;
  readonly waiting: number;
};

export function manualClock(start = Date.UTC(2026, 10, 23)): ManualClock {
  let time = 0;
  let wall = start;
  const timers = new Set<{ at: number; resolve: () => void }>();
  return {
    now: () => wall + time,
    elapsed: () => time,
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
    jump: (milliseconds) => void (wall += milliseconds),
    get waiting() {
      return timers.size;
    },
  };
}

/** A clock whose waits are so many times shorter; the wall clock is the real one. */
export function fastClock(speed: number): Clock {
  return {
    now: () => Date.now(),
    elapsed: () => performance.now() * speed,
    wait: (milliseconds, signal) => systemClock.wait(milliseconds / speed, signal),
  };
}

/** The real clock, but for its wall clock, which a test moves as a bad time server does. */
export function jumpingClock() {
  let offset = 0;
  const jump = (milliseconds: number) => void (offset += milliseconds);
  return { ...systemClock, now: () => Date.now() + offset, jump };
}
