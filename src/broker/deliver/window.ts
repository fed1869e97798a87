/**
 * A topic's window: what was merged since its subscribers were told last, apart for each delay class. A first change goes
 * at once; what follows waits by its priority, and at most as long as the class allows. All times are `clock.elapsed()`.
 */
import { type Delay, delayOf, DELAYS } from "../../model/delay.ts";
import { merge, type Merged } from "../../model/merge.ts";
import type { Sending, WindowRecord } from "../../store/windows.ts";

/** What waits for one delay class, and from when it may be sent. */
type Slot = { merged: Merged; opensAt: number };

export type Window = {
  hash: string;
  topic: string;
  pending: Map<Delay, Slot>;
  /** When sending to a class began last. */
  sentAt: Map<Delay, number>;
  /** The classes in which the last sending found nobody. */
  empty: Set<Delay>;
  sending?: Sending;
  /** Waits for its turn to be sent. */
  queued: boolean;
  /** Its subscribers are so many that they were cut into pages, which are still being sent. */
  paged: "cut" | "written" | undefined;
  /** KV holds something of it. */
  stored: boolean;
};

/**
 * Milliseconds that a class without subscribers rests, so that a busy topic is not looked up for every change: as long as
 * one with subscribers, at an ordinary priority. Who subscribes at this worker ends it.
 */
const EMPTY_REST = 5_000;

/** Milliseconds after which nothing is left to remember of a sending: the longest delay. */
const MEMORY = 60_000;

/** Before every id. */
export const START = { delay: DELAYS[0], id: "" };

export function createWindow(hash: string, topic: string): Window {
  return {
    hash,
    topic,
    pending: new Map(),
    sentAt: new Map(),
    empty: new Set(),
    queued: false,
    paged: undefined,
    stored: false,
  };
}

/** Merges a change into each class. Under load everything rests for `load` milliseconds, so that windows grow. */
export function addChange(window: Window, merged: Merged, now: number, load: number): void {
  const wait = delayOf(merged.priority);
  let from: Merged | undefined, to = merged;
  for (const delay of DELAYS) {
    const rest = Math.max(load, window.empty.has(delay) ? EMPTY_REST : 0, 1000 * Math.min(delay, wait));
    const opensAt = Math.max(now, (window.sentAt.get(delay) ?? -Infinity) + rest);
    const slot = window.pending.get(delay);
    // Classes mostly hold the same, which is merged once.
    if (slot && slot.merged !== from) [from, to] = [slot.merged, merge(slot.merged, merged)];
    if (slot) [slot.merged, slot.opensAt] = [to, Math.min(slot.opensAt, opensAt)];
    else window.pending.set(delay, { merged, opensAt });
  }
}

/** Somebody has subscribed: what waits since there was nobody may be sent. */
export function endRest(window: Window, now: number): void {
  for (const delay of window.empty) {
    const slot = window.pending.get(delay);
    if (slot) slot.opensAt = now;
  }
  window.empty.clear();
}

/** When the first class may be sent to; Infinity when nothing waits. */
export function opensAt({ pending }: Window): number {
  let first = Infinity;
  for (const { opensAt } of pending.values()) if (opensAt < first) first = opensAt;
  return first;
}

/** Takes what may be sent now. False when nothing may. */
export function beginSending(window: Window, now: number): boolean {
  const due = [...window.pending].filter(([, { opensAt }]) => opensAt <= now);
  if (due.length === 0) return false;
  for (const [delay] of due) {
    window.pending.delete(delay);
    window.sentAt.set(delay, now);
  }
  const classes = due.map(([delay, { merged }]) => ({ delay, merged })).sort((a, b) => a.delay - b.delay);
  window.sending = { classes, position: START };
  return true;
}

/** `found` are the classes that have subscribers. */
export function endSending(window: Window, found: Set<Delay>): void {
  for (const { delay } of window.sending?.classes ?? []) {
    if (found.has(delay)) window.empty.delete(delay);
    else window.empty.add(delay);
  }
  window.sending = undefined;
}

/** True when nothing would be lost with the window. */
export function isForgettable(window: Window, now: number): boolean {
  if (window.pending.size > 0 || window.sending || window.paged || window.stored) return false;
  const memory = window.empty.size === DELAYS.length ? EMPTY_REST : MEMORY;
  return now - Math.max(-Infinity, ...window.sentAt.values()) >= memory;
}

/** What must outlive the process; undefined when there is nothing. */
export function toRecord({ topic, pending, sending }: Window, now: number): WindowRecord | undefined {
  if (pending.size === 0 && !sending) return undefined;
  const waiting = [...pending].map(([delay, { merged, opensAt }]) => ({
    delay,
    wait: Math.max(0, opensAt - now),
    merged,
  }));
  return { topic, pending: waiting, ...(sending && { sending: { ...sending } }) };
}

/**
 * A window as another process, or this one before it was killed, left it. Nobody knows how long ago, unless it was given
 * back: what waited has waited long enough.
 */
export function fromRecord(
  hash: string,
  { topic, pending, sending }: WindowRecord,
  now: number,
  { isFresh }: { isFresh: boolean },
): Window {
  const window = createWindow(hash, topic);
  for (const { delay, wait, merged } of pending) {
    window.pending.set(delay, { merged, opensAt: now + (isFresh ? wait : 0) });
  }
  window.sending = sending;
  window.stored = true;
  return window;
}
