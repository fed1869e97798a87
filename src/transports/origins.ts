/**
 * How hard each push service may be pressed: so many requests at once, the first alone, none while its breaker is open
 * or it told us to wait. Strangers choose the origins, so all of this is bounded, and the quiet ones are forgotten.
 */
import type { Clock } from "../clock.ts";
import { KEY_PAUSE } from "./key_breaker.ts";
import { createOriginState, type OriginState, type Verdict } from "./origin_state.ts";
import { createPauses } from "./pauses.ts";

/** Requests in flight to one origin and to all, and waiting for one. */
export const IN_FLIGHT = 80;
export const IN_FLIGHT_OF_ALL = 512;
export const WAITING = 500;

/** Origins that are known. One that is quiet for so long, milliseconds, is forgotten. */
export const MAX_ORIGINS = 10_000;
const QUIET = 15 * 60_000;

/** Who wants to send: `key` is the point of its VAPID key, `endpoint` its whole address. */
export type Sender = { origin: string; endpoint: string; key: string };

/** `leave` must be called once. `at` is when to come again, milliseconds since 1970. */
export type Turn = { go: true; leave: (verdict: Verdict) => void } | { go: false; at?: number };

type Waiter = { sender: Sender; resolve: (turn: Turn) => void };
type Origin = OriginState & { waiting: Waiter[]; inFlight: number; used: number };

type Deps = {
  clock: Clock;
  random: () => number;
  /** An origin begins to refuse a key. */
  keyRefused: (sender: Sender) => void;
};

export function createOrigins({ clock, random, keyRefused }: Deps) {
  /** The least recently used first. */
  const origins = new Map<string, Origin>();
  const endpoints = createPauses(clock);
  const crowded = new Set<Origin>();
  let inFlight = 0;

  /** Resolves when it is the sender's turn, or at once when there will be none soon. */
  async function enter(sender: Sender): Promise<Turn> {
    const origin = find(sender.origin);
    const turn = turnOf(origin, sender);
    if (turn) return turn;
    if (origin.waiting.length >= WAITING) return { go: false };
    const { promise, resolve } = Promise.withResolvers<Turn>();
    origin.waiting.push({ sender, resolve });
    crowded.add(origin);
    return await promise;
  }

  function find(name: string): Origin {
    const found = origins.get(name) ??
      { ...createOriginState({ clock, random }), waiting: [], inFlight: 0, used: 0 };
    found.used = clock.elapsed();
    origins.delete(name);
    origins.set(name, found);
    if (origins.size > MAX_ORIGINS) forgetOldest();
    return found;
  }

  /** Undefined: it has to wait for others. */
  function turnOf(origin: Origin, sender: Sender): Turn | undefined {
    const key = origin.keyBreaker(sender.key);
    const pause = Math.max(origin.breaker.left(), key.left(), endpoints.left(sender.endpoint));
    if (pause > 0) return { go: false, at: clock.now() + pause };
    const limit = origin.breaker.isProven ? IN_FLIGHT : 1;
    if (inFlight >= IN_FLIGHT_OF_ALL || origin.inFlight >= limit) return undefined;
    key.entered();
    return admit(origin, sender);
  }

  function admit(origin: Origin, sender: Sender): Turn {
    const { openings } = origin.breaker;
    origin.inFlight++;
    inFlight++;
    return { go: true, leave };

    function leave(verdict: Verdict): void {
      origin.inFlight--;
      inFlight--;
      origin.used = clock.elapsed();
      if (verdict.wait) endpoints.begin(sender.endpoint, verdict.wait);
      judgeKey(origin, sender, verdict);
      origin.judge(verdict, sender.endpoint, openings);
      for (const other of [...crowded]) callWaiting(other);
    }
  }

  function judgeKey(origin: Origin, sender: Sender, { key }: Verdict): void {
    const breaker = origin.keyBreaker(sender.key);
    if (key === "accepted") breaker.accepted();
    if (key !== "refused") return;
    endpoints.begin(sender.endpoint, KEY_PAUSE);
    if (breaker.refused(sender.endpoint)) keyRefused(sender);
  }

  /** Whoever waits for a breaker that has opened is answered too. An origin that was served goes behind the others. */
  function callWaiting(origin: Origin): void {
    let turn: Turn | undefined;
    while (origin.waiting.length > 0 && (turn = turnOf(origin, origin.waiting[0]!.sender))) {
      crowded.delete(origin);
      origin.waiting.shift()!.resolve(turn);
    }
    if (origin.waiting.length > 0) crowded.add(origin);
  }

  function forgetOldest(): void {
    const [name] = origins.entries().find(([, origin]) => isIdle(origin)) ?? [];
    if (name !== undefined) origins.delete(name);
  }

  /** Forgets those that are quiet. */
  function tick(): void {
    for (const [name, origin] of origins) {
      if (clock.elapsed() - origin.used < QUIET) break;
      if (isIdle(origin) && origin.breaker.left() === 0) origins.delete(name);
    }
  }

  /** For gauges. */
  function stats() {
    const all = [...origins.values()];
    return {
      origins: all.length,
      open: all.filter(({ breaker }) => breaker.left() > 0).length,
      inFlight,
      waiting: [...crowded].reduce((sum, { waiting }) => sum + waiting.length, 0),
    };
  }

  return { enter, tick, stats };
}

function isIdle({ inFlight, waiting }: Origin): boolean {
  return inFlight === 0 && waiting.length === 0;
}
