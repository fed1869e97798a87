/** An audience: all streams that are shown exactly the same events, and so share every chunk. */
import type { Change } from "../model/change.ts";
import type { Matcher } from "../model/matcher.ts";
import type { RingEvent } from "./ring.ts";

/** What a stream asked for, and what its token lets it read of private updates. */
export type Reader = {
  matchers: Matcher[];
  /** Same text, same rights: tokens with equal grants are one audience. */
  rights: string;
  mayRead: (topic: string) => boolean;
};

/** How many topics an audience remembers its answer for: there may be ten thousand audiences. */
const MAX_REMEMBERED = 64;

const LISTED = 1;
const READABLE = 2;

export type Audience = ReturnType<typeof createAudience>;

export function createAudience(reader: Reader) {
  const remembered = new Map<string, number>();

  function judge(topic: string): number {
    const known = remembered.get(topic);
    if (known !== undefined) return known;
    const listed = reader.matchers.some((m) => m.matches(topic));
    const judged = (listed ? LISTED : 0) | (reader.mayRead(topic) ? READABLE : 0);
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    remembered.set(topic, judged);
    return judged;
  }

  /** Mercure: one of the topics must match, and a private update needs a grant on at least one of them. */
  function sees({ topics, private: isPrivate }: Change): boolean {
    let judged = 0;
    for (const topic of topics) judged |= judge(topic);
    return (judged & LISTED) !== 0 && (!isPrivate || (judged & READABLE) !== 0);
  }

  return { key: audienceKey(reader), reader, sees, pending: [] as RingEvent[] };
}

export function audienceKey({ matchers, rights }: Reader): string {
  return JSON.stringify([matchers.map(({ match, type }) => `${type} ${match}`).sort(), rights]);
}

/** Finds the audiences of a change without asking each of them: exact topics by a map, all others one by one. */
export function createIndex() {
  const byTopic = new Map<string, Set<Audience>>();
  const wide = new Set<Audience>();

  function add(audience: Audience): void {
    if (isWide(audience)) return void wide.add(audience);
    for (const { match } of audience.reader.matchers) {
      const found = byTopic.get(match);
      if (found) found.add(audience);
      else byTopic.set(match, new Set([audience]));
    }
  }

  function remove(audience: Audience): void {
    wide.delete(audience);
    for (const { match } of audience.reader.matchers) {
      const found = byTopic.get(match);
      if (found?.delete(audience) && found.size === 0) byTopic.delete(match);
    }
  }

  /** Those that see the change, each once. */
  function find(change: Change): IteratorObject<Audience> {
    const found = new Set<Audience>();
    for (const topic of change.topics) for (const audience of byTopic.get(topic) ?? []) found.add(audience);
    for (const audience of wide) found.add(audience);
    return found.values().filter((audience) => audience.sees(change));
  }

  return { add, remove, find };
}

function isWide({ reader }: Audience): boolean {
  return reader.matchers.some(({ match, type }) => type !== "exact" || match === "*");
}
