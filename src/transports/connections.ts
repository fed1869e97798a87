/** One warm connection for each origin, opened when it is needed, replaced when it is dead or old, closed when idle. */
import type { Clock } from "../clock.ts";
import type { Connection } from "./connection.ts";

/** Milliseconds. One without requests is closed; one this old is replaced, so that DNS is asked again. */
export const IDLE = 60_000;
export const MAX_AGE = 10 * 60_000;

/** So many are kept: strangers choose the origins, and each costs a file descriptor. */
export const MAX_CONNECTIONS = 256;

/** Times are of `clock.elapsed`. `retired`: no request gets it any more, and the last one that has it closes it. */
type Entry = {
  origin: string;
  opening: Promise<Connection>;
  giveUp: AbortController;
  connection?: Connection;
  since: number;
  used: number;
  inFlight: number;
  retired: boolean;
  ended?: Promise<void>;
};

type Open = (url: URL, signal: AbortSignal) => Promise<Connection>;

export function createConnections({ clock, open }: { clock: Clock; open: Open }) {
  /** The least recently used first. */
  const byOrigin = new Map<string, Entry>();
  const all = new Set<Entry>();
  let isClosed = false;

  /** Lends the connection to a URL's origin. After a time-out it is not used again: it could be dead without a word. */
  async function lend<T>(url: URL, signal: AbortSignal, use: (connection: Connection) => Promise<T>): Promise<T> {
    const entry = find(url, signal);
    entry.inFlight++;
    try {
      return await use(await entry.opening);
    } finally {
      entry.inFlight--;
      entry.used = clock.elapsed();
      if (signal.aborted) retire(entry);
      if (entry.retired && entry.inFlight === 0) void end(entry);
    }
  }

  function find(url: URL, signal: AbortSignal): Entry {
    if (isClosed) throw new Error("closed");
    const known = byOrigin.get(url.origin);
    if (known && !isFresh(known)) retire(known);
    const entry = known && !known.retired ? known : begin(url, signal);
    byOrigin.delete(url.origin);
    byOrigin.set(url.origin, entry);
    if (byOrigin.size > MAX_CONNECTIONS) retireOldest(entry);
    return entry;
  }

  function isFresh({ connection, since }: Entry): boolean {
    return clock.elapsed() - since < MAX_AGE && (connection?.isUsable() ?? true);
  }

  function begin(url: URL, signal: AbortSignal): Entry {
    const now = clock.elapsed(), giveUp = new AbortController();
    const follow = () => giveUp.abort("late");
    signal.addEventListener("abort", follow, { once: true });
    const opening = open(url, giveUp.signal).finally(() => signal.removeEventListener("abort", follow));
    const entry: Entry = { origin: url.origin, opening, giveUp, since: now, used: now, inFlight: 0, retired: false };
    opening.then((connection) => void (entry.connection = connection), () => retire(entry));
    all.add(entry);
    return entry;
  }

  function retireOldest(newest: Entry): void {
    const oldest = byOrigin.values().find((entry) => entry.inFlight === 0 && entry !== newest);
    if (oldest) retire(oldest);
  }

  function retire(entry: Entry): void {
    entry.retired = true;
    if (byOrigin.get(entry.origin) === entry) byOrigin.delete(entry.origin);
    if (entry.inFlight === 0) void end(entry);
  }

  function end(entry: Entry): Promise<void> {
    entry.giveUp.abort("ended");
    return entry.ended ??= entry.opening.then(({ close }) => close(), () => {}).finally(() => all.delete(entry));
  }

  /** Closes those that are idle. */
  function tick(): void {
    const idle = [...all].filter(({ inFlight, used }) => inFlight === 0 && clock.elapsed() - used >= IDLE);
    for (const entry of idle) retire(entry);
  }

  /** Ends all, with whatever is on its way. */
  async function close(): Promise<void> {
    isClosed = true;
    await Promise.all([...all].map(end));
  }

  return { lend, tick, close };
}
