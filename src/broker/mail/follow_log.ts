/** Waking readers of what other workers stored: a bell that is watched, a log that is read, and a poll behind both. */
import type { Clock } from "../../clock.ts";
import { readLog, readPushBell, watchPushBell } from "../../store/push_messages.ts";

/** Entries that are read at once. */
const PAGE = 500;

/** Milliseconds. */
const POLL = 5_000, RENEW_WATCH = 5 * 60_000, PAUSE_AFTER_FAULT = 1_000;

/** Milliseconds that the log is kept. Who did not read it for half as long looks at the mailboxes of all readers. */
export const LOG_LIFE = 5 * 60_000;

type Deps = {
  kv: Deno.Kv;
  clock: Clock;
  random: () => number;
  wake: (mailboxes: string[]) => void;
  wakeAll: () => void;
};

/** Follows until the signal aborts. Nothing depends on the log but how soon: a reader that opens looks for itself. */
export async function followLog({ kv, clock, random, wake, wakeAll }: Deps, signal: AbortSignal): Promise<void> {
  let last = await readPushBell(kv).catch(() => ""), lookedAt = clock.elapsed();
  let reading = Promise.resolve();
  // Whoever opened before the bell was read.
  wakeAll();

  function look(): Promise<void> {
    return reading = reading.then(readToEnd).catch(() => {});
  }

  async function readToEnd(): Promise<void> {
    for (let seen = PAGE; seen === PAGE && !signal.aborted;) {
      const log = await readLog(kv, last, PAGE);
      [last, seen] = [log.last, log.seen];
      wake(log.mailboxes);
    }
    if (clock.elapsed() - lookedAt > LOG_LIFE / 2) wakeAll();
    lookedAt = clock.elapsed();
  }

  async function watch(): Promise<void> {
    while (!signal.aborted) {
      const over = new AbortController(), bell = watchPushBell(kv), stop = () => over.abort();
      signal.addEventListener("abort", stop, { once: true });
      void clock.wait(RENEW_WATCH, over.signal).then(() => bell.cancel()).catch(() => {});
      const failed = await listen(bell).then(() => false, () => true);
      stop();
      signal.removeEventListener("abort", stop);
      if (failed) await clock.wait(PAUSE_AFTER_FAULT, signal);
    }
  }

  async function listen(bell: ReturnType<typeof watchPushBell>): Promise<void> {
    for (let rung = await bell.read(); !rung.done && !signal.aborted; rung = await bell.read()) void look();
  }

  async function poll(): Promise<void> {
    while (!signal.aborted) {
      await clock.wait(POLL * (0.5 + random()), signal);
      if (!signal.aborted) void look();
    }
  }

  await Promise.all([watch(), poll()]);
  await reading;
}
