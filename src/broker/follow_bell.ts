/**
 * Following a bell, which every worker watches. A watch can die silently, so it is renewed on a schedule, and a jittered
 * poll stands behind it.
 */
import type { Clock } from "../clock.ts";

/** Milliseconds. */
const RENEW_WATCH = 5 * 60_000, POLL = 5_000, PAUSE_AFTER_FAULT = 1_000;

type Deps = {
  clock: Clock;
  random: () => number;
  /** Begins a watch of the bell. */
  watch: () => ReadableStreamDefaultReader<[Deno.KvEntryMaybe<unknown>]>;
  /** Called with the bell's versionstamp, and by the poll without. Must not throw. */
  rung: (versionstamp?: string) => void;
};

/** Watches and polls until the signal aborts. */
export async function followBell({ clock, random, watch, rung }: Deps, signal: AbortSignal): Promise<void> {
  await Promise.all([watchAlways(), poll()]);

  async function poll(): Promise<void> {
    while (!signal.aborted) {
      await clock.wait(POLL * (0.5 + random()), signal);
      if (!signal.aborted) rung();
    }
  }

  async function watchAlways(): Promise<void> {
    while (!signal.aborted) {
      const failed = await watchOnce().then(() => false, () => true);
      if (failed) await clock.wait(PAUSE_AFTER_FAULT, signal);
    }
  }

  async function watchOnce(): Promise<void> {
    const bell = watch();
    const over = new AbortController();
    const stop = () => over.abort();
    signal.addEventListener("abort", stop, { once: true });
    const renewed = clock.wait(RENEW_WATCH, over.signal).then(() => bell.cancel()).catch(() => {});
    try {
      for (let read = await bell.read(); !signal.aborted && !read.done; read = await bell.read()) {
        rung(read.value[0].versionstamp ?? "");
      }
    } finally {
      stop();
      signal.removeEventListener("abort", stop);
      await renewed;
    }
  }
}
