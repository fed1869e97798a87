/** Resting between two looks: until one is due, or something happened, or the machine has slept. */
import { systemPace } from "../pace.ts";

/** As the app gives it; `now` is the wall clock, milliseconds since 1970, which goes on while a machine sleeps. */
export type Clock = {
  now: () => number;
  elapsed: () => number;
  wait: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
};

export const systemClock: Clock = { now: Date.now, elapsed: systemPace.elapsed, wait: systemPace.wait };

/** Milliseconds of one wait: timers stand still in a sleep, so none may be long. */
const TICK = 60_000;

/** Milliseconds by which a wait is too long when the machine has slept: browsers wake a hidden page once a minute. */
const SLEPT = 120_000;

type Deps = { clock: Clock; random: () => number; signal: AbortSignal; onWake: () => void };

export type Rest = ReturnType<typeof createRest>;

export function createRest({ clock, random, signal, onWake }: Deps) {
  let due = 0, woken = new AbortController();

  /** Something is to be looked at, at some moment within so many milliseconds: of many clients not all at once. */
  function within(milliseconds: number): void {
    due = Math.min(due, clock.elapsed() + milliseconds * random());
    woken.abort();
  }

  async function wait(milliseconds: number): Promise<void> {
    woken = new AbortController();
    const wall = clock.now(), any = AbortSignal.any([signal, woken.signal]);
    await clock.wait(milliseconds, any);
    if (!any.aborted && clock.now() - wall > milliseconds + SLEPT) onWake();
  }

  return {
    within,
    /** What happened so far is looked at now. */
    begin: () => void (due = Infinity),
    /** Resolves when it is time to look: after so many milliseconds, or sooner. */
    async until(milliseconds: number): Promise<void> {
      due = Math.min(due, clock.elapsed() + milliseconds);
      while (!signal.aborted && clock.elapsed() < due) await wait(Math.min(TICK, due - clock.elapsed()));
    },
  };
}
