/** When the command is run: once for what comes at once, never two at a time, and again when it failed. */
import { afterFault } from "../../src/client/watch/paces.ts";
import type { Clock } from "../../src/client/mod.ts";

/** Milliseconds that are waited for more of a burst. */
const GATHER = 1_000;

/** Milliseconds: a run that is asked for so soon after the last follows it, and after so many each waits twice as long. */
const SOON = 60_000, FREE = 4;

type Deps = {
  /** Done before each run, which answers all that was rung for until then. */
  prepare: () => Promise<void>;
  /** Answers whether all went well; what it throws ends `ended`. */
  run: () => Promise<boolean>;
  /** Told of the milliseconds until it is tried again. */
  failed: (wait: number) => void;
  clock: Clock;
  random: () => number;
  signal: AbortSignal;
};

export type Runs = ReturnType<typeof createRuns>;

export function createRuns({ prepare, run, failed, clock, random, signal }: Deps) {
  let isWanted = false, isBusy = false, rung = new AbortController(), busy = Promise.resolve();
  let last = -Infinity, following = 0, misses = 0;

  /** A run is wanted. One that is going on may have passed what is new: then another follows it. */
  function ring(): void {
    isWanted = true;
    rung.abort();
    if (!isBusy) busy = empty();
  }

  async function empty(): Promise<void> {
    isBusy = true;
    while ((isWanted || misses > 0) && !signal.aborted) {
      if (!isWanted) await rest();
      await clock.wait(gather(), signal);
      if (!signal.aborted) await prepare();
      isWanted = false;
      if (!signal.aborted) await runOnce();
    }
    isBusy = false;
  }

  /** A command that fails may do so for one calendar of many: what is new does not wait for it. */
  async function rest(): Promise<void> {
    const wait = afterFault(misses, undefined, random);
    failed(wait);
    rung = new AbortController();
    await clock.wait(wait, AbortSignal.any([signal, rung.signal]));
  }

  async function runOnce(): Promise<void> {
    misses = await run() ? 0 : misses + 1;
    last = clock.elapsed();
  }

  /** Two clients can answer each other's changes for ever: that is slowed down to one run a minute. */
  function gather(): number {
    following = clock.elapsed() - last < SOON ? following + 1 : 0;
    return Math.min(SOON, GATHER * 2 ** Math.max(0, following - FREE));
  }

  return { ring, ended: () => busy };
}
