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
