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

/** And of those to all, how many may be to origins that nobody has heard an answer of: they could all be tarpits. */
export const STRANGERS_OF_ALL = 64;

/** Milliseconds, and up to twice as many, until somebody comes again for whom there was no room to wait. */
const CROWDED = 5_000;

/** The same for a new subscription while another one tries whether there is a push service at all. */
const SOON = 500;

/** Places for origins that have few: a slow one must not keep others from being served at all. */
const RESERVED = 64;
const FEW = 8;

/** Of those that wait for a place, how many are looked at for one that is free. */
const LOOKED_AT = 16;

/** Origins that are known. One that is quiet for so long, milliseconds, longer than any pause, is forgotten. */
export const MAX_ORIGINS = 10_000;
const QUIET = 15 * 60_000;

/** Who wants to send: `key` is the point of its VAPID key, `endpoint` its whole address; `confirmed`: it answered once. */
export type Sender = { origin: string; endpoint: string; key: string; confirmed: boolean };

/** `leave` must be called once. `at` is when to come again, milliseconds since 1970. */
export type Turn = { go: true; leave: (verdict: Verdict) => void } | { go: false; at: number };

type Waiter = { sender: Sender; resolve: (turn: Turn) => void };
type Origin = OriginState & { waiting: Waiter[]; inFlight: number; known: number; used: number };

type Deps = {
  clock: Clock;
  random: () => number;
  /** An origin begins to refuse a key; or a subscription, whose key it might never have taken. */
  keyRefused: (sender: Sender) => void;
};

export function createOrigins({ clock, random, keyRefused }: Deps) {
  /** The least recently used first. */
  const origins = new Map<string, Origin>();
  const endpoints = createPauses(clock);
  /** Those that lack nothing but one of the places that all share. */
  const crowd = new Set<Origin>();
  /** Requests, those of strangers among them, and origins that have others. */
  let inFlight = 0, strangers = 0, busy = 0;

  /** Resolves when it is the sender's turn, or at once when there will be none soon. */
  async function enter(sender: Sender): Promise<Turn> {
    const origin = find(sender.origin);
    const turn = turnOf(origin, sender);
    if (turn) return turn;
    if (origin.waiting.length >= WAITING) return { go: false, at: clock.now() + CROWDED * (1 + random()) };
    const { promise, resolve } = Promise.withResolvers<Turn>();
    origin.waiting.push({ sender, resolve });
    return await promise;
  }

  function find(name: string): Origin {
    const found = origins.get(name) ??
      { ...createOriginState({ clock, random }), waiting: [], inFlight: 0, known: 0, used: 0 };
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
    // It could have been made for another key: that would say nothing of ours.
    if (!sender.confirmed && key.isOpen()) return later(CROWDED);
    if (!sender.confirmed && !origin.breaker.isProven) return strangersTurn(origin, sender);
    if (origin.inFlight >= (origin.breaker.isProven ? IN_FLIGHT : 1)) return undefined;
    if (!hasPlace(origin)) return void crowd.add(origin);
    return admit(origin, sender, "known");
  }

  /** It waits for nobody, since it would hold a place of whoever sends. */
  function strangersTurn(origin: Origin, sender: Sender): Turn {
    if (origin.inFlight > 0) return later(SOON);
    return strangers < STRANGERS_OF_ALL && inFlight < IN_FLIGHT_OF_ALL
      ? admit(origin, sender, "stranger")
      : later(CROWDED);
  }

  function later(milliseconds: number): Turn {
    return { go: false, at: clock.now() + milliseconds * (1 + random()) };
  }

  /** Once half of all places are taken nobody gets more than an equal share, and the last ones are for who has few. */
  function hasPlace(origin: Origin): boolean {
    if (inFlight < IN_FLIGHT_OF_ALL / 2) return true;
    if (inFlight >= IN_FLIGHT_OF_ALL) return false;
    const open = IN_FLIGHT_OF_ALL - RESERVED;
    return origin.inFlight < (inFlight < open ? Math.ceil(open / (busy + 1)) : FEW);
  }

  function admit(origin: Origin, sender: Sender, kind: "known" | "stranger"): Turn {
    const { openings } = origin.breaker, isStranger = kind === "stranger";
    origin.keyBreaker(sender.key).entered();
    count(origin, 1, isStranger);
    return { go: true, leave };

    function leave(verdict: Verdict): void {
      count(origin, -1, isStranger);
      origin.used = clock.elapsed();
      const rest = verdict.wait ?? verdict.rest;
      if (rest) endpoints.begin(sender.endpoint, rest);
      judgeKey(origin, sender, verdict);
      origin.judge(verdict, sender.endpoint, openings);
      callCrowd();
      callWaiting(origin);
    }
  }

  function count(origin: Origin, difference: 1 | -1, isStranger: boolean): void {
    const before = origin.known;
    origin.inFlight += difference;
    inFlight += difference;
    if (isStranger) return void (strangers += difference);
    origin.known += difference;
    // From none to one, or back.
    if (Math.min(before, origin.known) === 0) busy += difference;
  }

  function judgeKey(origin: Origin, sender: Sender, { key }: Verdict): void {
    const breaker = origin.keyBreaker(sender.key);
    if (key === "accepted") breaker.accepted();
    if (key !== "refused") return;
    endpoints.begin(sender.endpoint, KEY_PAUSE);
    // A stranger could have made the subscription for another key, or be the push service.
    if (!sender.confirmed || breaker.refused(sender.endpoint)) keyRefused(sender);
  }

  /** An origin that was looked at goes behind the others; only so many are, since it is done for each request. */
  function callCrowd(): void {
    for (const origin of [...crowd.values().take(LOOKED_AT)]) {
      if (inFlight >= IN_FLIGHT_OF_ALL) return;
      crowd.delete(origin);
      callWaiting(origin);
    }
  }

  /** Whoever waits for a breaker that has opened is answered too. */
  function callWaiting(origin: Origin): void {
    let turn: Turn | undefined;
    while (origin.waiting.length > 0 && (turn = turnOf(origin, origin.waiting[0]!.sender))) {
      origin.waiting.shift()!.resolve(turn);
    }
  }

  function forgetOldest(): void {
    const [name] = origins.entries().find(([, origin]) => isIdle(origin)) ?? [];
    if (name !== undefined) origins.delete(name);
  }

  /** Forgets those that are quiet. */
  function tick(): void {
    for (const [name, origin] of origins) {
      if (clock.elapsed() - origin.used < QUIET) break;
      if (isIdle(origin)) origins.delete(name);
    }
  }

  /** For gauges. */
  function stats() {
    const all = [...origins.values()];
    return {
      origins: all.length,
      open: all.filter(({ isPaused }) => isPaused()).length,
      inFlight,
      waiting: all.reduce((sum, { waiting }) => sum + waiting.length, 0),
    };
  }

  return { enter, tick, stats };
}

function isIdle({ inFlight, waiting }: Origin): boolean {
  return inFlight === 0 && waiting.length === 0;
}
