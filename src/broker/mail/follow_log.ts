/** Waking readers of what other workers stored: a bell that is watched, a log that is read, and a poll behind both. */
import type { Clock } from "../../clock.ts";
import { followBell } from "../follow_bell.ts";
import { readLog, readPushBell, watchPushBell } from "../../store/push_messages.ts";

/** Entries that are read at once. */
const PAGE = 500;

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

  await followBell({ clock, random, watch: () => watchPushBell(kv), rung: () => void look() }, signal);
  await reading;
}
