/**
 * Who listens, as the whole cluster knows it: each worker says which topics its event streams may be about before it
 * opens them, so that another one can be sure that nobody hears of a topic (CC/CD 70025, `no-subscribers`).
 */
import type { Clock } from "../clock.ts";
import type { Matcher } from "../model/matcher.ts";
import {
  bitOf,
  EVERYTHING,
  forgetWorker,
  listWorkers,
  type PresenceBit,
  readListeners,
  writePresence,
} from "../store/presence.ts";
import { topicHash } from "../store/subscribers.ts";
import { createSightings } from "./deliver/sightings.ts";
import { createLiving } from "./living.ts";
import { createRoster } from "./roster.ts";

/** Milliseconds after which a worker that did not show that it lives is taken for dead; it does so every few seconds. */
const DEAD_AFTER = 5 * 60_000;

type Deps = {
  kv: Deno.Kv;
  clock: Clock;
  worker: string;
  /** What the streams of this worker ask for now. */
  matchers: () => Iterable<Matcher>;
};

export type Presence = {
  /** To be awaited before a stream is opened. Throws `kv_failed` or `kv_timeout`. */
  announce: (matchers: Matcher[]) => Promise<void>;
  /** Answers about which of these topics streams of other workers may be. Throws `kv_failed` or `kv_timeout`. */
  findListened: (topics: string[]) => Promise<(topic: string) => boolean>;
  /** How many workers live. Throws `kv_failed` or `kv_timeout`. */
  count: () => Promise<number>;
  /** The other workers that live, and those that are not buried yet. Throws `kv_failed` or `kv_timeout`. */
  living: () => Promise<Set<string>>;
  known: () => Promise<Set<string>>;
  /** Once a minute: takes back what nobody here asks for any more, and buries the dead. */
  minute: () => Promise<void>;
  /** Takes all back. */
  leave: () => Promise<void>;
};

/** Where one process has the database. */
export const ALONE: Presence = {
  announce: () => Promise.resolve(),
  findListened: () => Promise.resolve(() => false),
  count: () => Promise.resolve(1),
  living: () => Promise.resolve(new Set()),
  known: () => Promise.resolve(new Set()),
  minute: () => Promise.resolve(),
  leave: () => Promise.resolve(),
};

export function createPresence({ kv, clock, worker, matchers }: Deps): Presence {
  const sightings = createSightings(clock, DEAD_AFTER);
  const written = new Set<PresenceBit>(), wanted = new Set<PresenceBit>();
  let unused = new Set<PresenceBit>();
  const inTurn = createTurns();
  const others = async () => (await listWorkers(kv)).filter(({ worker: other }) => other !== worker);
  const { wrote, living } = createLiving({ clock, renew: writeNext, others });
  let versionstamp: string | null = null, next: Promise<void> | undefined;

  async function announce(matchers: Matcher[]): Promise<void> {
    const bits = bitsOf(matchers);
    for (const bit of bits) unused.delete(bit);
    const missing = [...bits.difference(written)];
    if (missing.length === 0) return;
    for (const bit of missing) wanted.add(bit);
    await writeNext();
  }

  /** Whoever waits while a write runs, stream or heartbeat, shares the next one. */
  function writeNext(): Promise<void> {
    if (next) return next;
    const mine = inTurn(() => {
      next = undefined;
      return write([]);
    });
    mine.catch(() => {
      if (next === mine) next = undefined;
    });
    return next = mine;
  }

  async function write(dropped: PresenceBit[]): Promise<void> {
    const added = [...wanted];
    for (const bit of dropped) written.delete(bit);
    const all = written.union(new Set(added));
    const result = await writePresence(kv, worker, { versionstamp, changed: [...added, ...dropped], all });
    versionstamp = result.versionstamp;
    if (!result.ok) return await writeAnew();
    wrote(versionstamp!);
    for (const bit of added) void (written.add(bit), wanted.delete(bit));
  }

  /** Others took this worker for dead and forgot what it had written, or an earlier write landed after all. */
  async function writeAnew(): Promise<void> {
    for (const bit of written) wanted.add(bit);
    written.clear();
    await write([]);
  }

  async function minute(): Promise<void> {
    const used = bitsOf(matchers()), idle = written.difference(used);
    // A stream that was announced may not be open yet: whoever is not there for two minutes in a row is gone.
    await inTurn(() => versionstamp === null ? undefined : write([...idle.intersection(unused)]));
    unused = idle;
    for (const { worker, versionstamp } of await others()) {
      if (sightings.hasLapsed(worker, versionstamp)) await forgetWorker(kv, worker, versionstamp);
    }
  }

  async function findListened(topics: string[]): Promise<(topic: string) => boolean> {
    const bitOfTopic = (topic: string) => bitOf(topicHash(topic));
    const isListened = await readListeners(kv, worker, topics.map(bitOfTopic));
    return (topic) => isListened(bitOfTopic(topic));
  }

  return {
    announce,
    findListened,
    count: createRoster({ clock, renew: writeNext, others }),
    living,
    known: async () => new Set((await others()).map(({ worker }) => worker)),
    minute,
    leave: () => inTurn(() => versionstamp === null ? undefined : forgetWorker(kv, worker, versionstamp)),
  };
}

/** One after the other. Who waits for one that fails fails with it: a database that hangs costs nobody two deadlines. */
function createTurns(): (run: () => Promise<void> | undefined) => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  return (run) => {
    const mine = last.then(run);
    mine.catch(() => {
      if (last === mine) last = Promise.resolve();
    });
    return last = mine;
  };
}

function bitsOf(matchers: Iterable<Matcher>): Set<PresenceBit> {
  const isOne = ({ match, type }: Matcher) => type === "exact" && match !== "*";
  return new Set(
    Iterator.from(matchers).map((each) => isOne(each) ? bitOf(topicHash(each.match)) : EVERYTHING),
  );
}
