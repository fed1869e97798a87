/**
 * Polling what a proxy cannot see: scheduling, web interfaces, imports. One look at a time, by one worker a home; whoever
 * has it writes its record at each look, and who sees that stand still takes it over.
 */
import type { Logger } from "@logtape/logtape";
import type { Clock } from "../clock.ts";
import type { Metrics } from "../metrics.ts";
import type { Change } from "../model/change.ts";
import { forgetHome, type Home, listHomes, readHome, type StoredHome, writeHome } from "../store/homes.ts";
import { parseRetryAfter } from "../wire/retry_after.ts";
import { setAside } from "../store/set_aside.ts";
import type { Look, LookAtHome } from "./members.ts";
import { nextInterval, pauseAfter, restAfter } from "./pace.ts";
import { compare } from "./poll_home.ts";

/** Homes that one database polls. */
const MAX_HOMES = 10_000;

/** Milliseconds: between two listings of the homes, and between two looks at the schedule. */
const RELIST = 60_000;
const TURN = 1_000;

/** Milliseconds, besides two intervals, after which a holder that did not write has gone. */
const PATIENCE = 60_000;

/** Homes that fail in a row before the server itself is left alone. */
const MANY_FAILURES = 3;

const ACCOUNT = "check CARILLON_SERVICE_USER and CARILLON_SERVICE_PASSWORD";
const SERVER = "it is left alone for a while";
const DATABASE = "the database did not answer, it is tried again";

/** Changes of one commit. */
const CHUNK = 100;

export type PollDeps = {
  kv: Deno.Kv;
  /** No other worker has the database: what another one held is free. */
  embedded: boolean;
  clock: Clock;
  log: Logger;
  metrics: Metrics;
  origin: string;
  look: LookAtHome;
  publish: (changes: Change[]) => Promise<unknown>;
  lastToken: (topic: string) => string | undefined;
  /** Called with a collection that is gone. */
  gone: (path: string) => Promise<void>;
};

/** A home as this worker knows it: when it looks at it next, and since when its record stands as it does. */
type Known = { path: string; dueAt: number; versionstamp: string; since: number; interval: number; failures: number };

export type Poll = ReturnType<typeof createPoll>;

export function createPoll({ kv, embedded, clock, log, metrics, origin, look, publish, lastToken, gone }: PollDeps) {
  const worker = crypto.randomUUID(), known = new Map<string, Known>();
  let listedAt = -Infinity, pausedUntil = -Infinity, failures = 0, pauses = 0;

  /** Somebody is subscribed to what is in homes, until then. */
  async function watch(paths: string[], until: number): Promise<void> {
    for (const path of paths) await watchOne(path, until);
  }

  async function watchOne(path: string, until: number): Promise<void> {
    let written: string | undefined;
    while (written === undefined) {
      const stored = await readHome(kv, path);
      // The listing says which it is.
      if (stored === "unread" || stored && stored.home.until >= until) return;
      const home = { ...stored?.home ?? { path }, until };
      written = await writeHome(kv, home, stored?.versionstamp ?? null);
      if (written !== undefined) note({ home, versionstamp: written });
    }
  }

  function note({ home: { path, interval = 0 }, versionstamp }: StoredHome): void {
    const before = known.get(path), now = clock.elapsed(), { failures = 0 } = before ?? {};
    if (before?.versionstamp === versionstamp) return;
    known.set(path, {
      path,
      versionstamp,
      since: now,
      interval,
      failures,
      dueAt: before?.dueAt ?? now + interval,
    });
  }

  async function list(): Promise<void> {
    // One that is watched while the list is read may not be on it.
    const before = [...known.keys()];
    const homes = await listHomes(kv, MAX_HOMES, (key) => setAside({ log, metrics }, "home", key));
    for (const home of homes) note(home);
    const paths = new Set(homes.map(({ home: { path } }) => path));
    for (const path of before) if (!paths.has(path)) known.delete(path);
    metrics.davHomes.set(known.size);
  }

  /** Looks at what is due, one after the other, until the signal aborts. */
  async function run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await turn(signal);
      } catch {
        pause(DATABASE);
      }
      await clock.wait(TURN, signal);
    }
  }

  async function turn(signal: AbortSignal): Promise<void> {
    const now = clock.elapsed();
    if (listedAt + RELIST <= now) {
      listedAt = now;
      await list();
    }
    for (const each of [...known.values()]) {
      if (signal.aborted || pausedUntil > clock.elapsed()) return;
      if (each.dueAt <= clock.elapsed()) await attend(each, signal);
    }
  }

  async function attend(each: Known, signal: AbortSignal): Promise<void> {
    const stored = await readHome(kv, each.path), now = clock.elapsed();
    each.dueAt = now + Math.max(each.interval, TURN);
    if (!stored || stored === "unread") return void known.delete(each.path);
    if (stored.home.until <= clock.now()) return await forgetHome(kv, stored);
    if (!isOurs(stored, each)) return note(stored);
    const claimed = stored.home.holder === worker ? stored : await claim(stored);
    if (!claimed) return;
    each.versionstamp = claimed.versionstamp;
    await lookAndTell(each, claimed, signal);
  }

  function isOurs({ home, versionstamp }: StoredHome, each: Known): boolean {
    if (embedded || home.holder === undefined || home.holder === worker) return true;
    return versionstamp === each.versionstamp && each.since + 2 * each.interval + PATIENCE <= clock.elapsed();
  }

  async function claim({ home, versionstamp }: StoredHome): Promise<StoredHome | undefined> {
    const claimed = { ...home, holder: worker };
    const written = await writeHome(kv, claimed, versionstamp);
    return written === undefined ? undefined : { home: claimed, versionstamp: written };
  }

  async function lookAndTell(each: Known, { home, versionstamp }: StoredHome, signal: AbortSignal): Promise<void> {
    const seen = await look(each.path).catch(() => undefined);
    if (seen?.status !== 207) return refused(each, seen);
    failures = pauses = each.failures = 0;
    // What a client of ours wrote just now is told by itself: it gets the time to.
    await clock.wait(TURN, signal);
    const { states, isChanged } = await tellWhatChanged(home, seen);
    const interval = nextInterval(home.interval, isChanged, seen.milliseconds);
    await keep(each, { home: { ...home, states, interval }, versionstamp });
    await clock.wait(restAfter(seen.milliseconds), signal);
  }

  async function tellWhatChanged(home: Home, { members }: Look) {
    const how = { origin, timestamp: clock.now(), except: [], lastToken };
    const { states, changes, gone: ended } = compare(home, members, how), isChanged = changes.length > 0;
    for (let at = 0; at < changes.length; at += CHUNK) await publish(changes.slice(at, at + CHUNK));
    for (const path of ended) await gone(path);
    metrics.davPolls.inc({ outcome: members.length === 0 ? "empty" : isChanged ? "changed" : "unchanged" });
    return { states, isChanged };
  }

  /** Only after everything was told: who dies before tells it again. Who subscribes meanwhile writes as well. */
  async function keep(each: Known, { home, versionstamp }: StoredHome): Promise<void> {
    let written = await writeHome(kv, home, versionstamp);
    while (written === undefined) {
      const other = await readHome(kv, each.path);
      if (!other || other === "unread" || other.home.holder !== worker) return;
      written = await writeHome(kv, { ...home, until: other.home.until }, other.versionstamp);
    }
    const now = clock.elapsed(), interval = home.interval!;
    Object.assign(each, { interval, dueAt: now + interval, since: now, versionstamp: written });
  }

  /** One home that cannot be read says nothing of the others, until several have failed in a row. */
  function refused(each: Known, seen: Look | undefined): void {
    const status = seen?.status ?? 0;
    each.dueAt = clock.elapsed() + pauseAfter(++each.failures);
    metrics.davPolls.inc({ outcome: status === 401 ? "refused" : "failed" });
    const isBusy = status === 401 || status === 429 || status === 503 ||
      each.failures === 1 && ++failures >= MANY_FAILURES;
    if (isBusy) pause(status === 401 ? ACCOUNT : SERVER, seen?.retryAfter);
  }

  function pause(advice: string, retryAfter?: string): void {
    const asked = retryAfter === undefined ? undefined : parseRetryAfter(retryAfter, clock.now());
    const milliseconds = pauseAfter(++pauses, asked);
    pausedUntil = clock.elapsed() + milliseconds;
    log.warning("polling the DAV server failed: {advice}", { advice, seconds: milliseconds / 1000 });
  }

  return { run, watch };
}
