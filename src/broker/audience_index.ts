/** Finding the audiences of a change without asking each of them. */
import type { Change } from "../model/change.ts";
import type { Matcher } from "../model/matcher.ts";
import type { Audience } from "./audience.ts";

/** Exact topics are found by a map, patterns by what a topic must begin with; the rest is asked one by one. */
export function createIndex() {
  const byTopic = createGroups(), byAnchor = createGroups(), anywhere = new Set<Audience>();
  /** All patterns resolve topics against the same hub. */
  let anchorsOf: ((topic: string) => string[]) | undefined;

  function add(audience: Audience): void {
    for (const matcher of audience.reader.matchers) {
      if (isExact(matcher)) byTopic.add(matcher.match, audience);
      else if (!matcher.near) anywhere.add(audience);
      else {
        byAnchor.add(matcher.near.anchor, audience);
        anchorsOf = matcher.near.anchorsOf;
      }
    }
  }

  function remove(audience: Audience): void {
    anywhere.delete(audience);
    for (const { match, near } of audience.reader.matchers) {
      byTopic.remove(match, audience);
      if (near) byAnchor.remove(near.anchor, audience);
    }
  }

  /** Those that see the change, each once. */
  function find(change: Change): IteratorObject<Audience> {
    const found = new Set<Audience>(anywhere);
    for (const topic of change.topics) {
      for (const audience of byTopic.get(topic)) found.add(audience);
      if (byAnchor.size() === 0) continue;
      for (const anchor of anchorsOf!(topic)) for (const audience of byAnchor.get(anchor)) found.add(audience);
    }
    return found.values().filter((audience) => audience.sees(change));
  }

  return { add, remove, find };
}

const NONE: ReadonlySet<Audience> = new Set();

/** Audiences by a text; what has none left is forgotten. */
function createGroups() {
  const groups = new Map<string, Set<Audience>>();
  return {
    get: (text: string): ReadonlySet<Audience> => groups.get(text) ?? NONE,
    size: () => groups.size,
    add(text: string, audience: Audience): void {
      const group = groups.get(text);
      if (group) group.add(audience);
      else groups.set(text, new Set([audience]));
    },
    remove(text: string, audience: Audience): void {
      const group = groups.get(text);
      if (group?.delete(audience) && group.size === 0) groups.delete(text);
    },
  };
}

const isExact = ({ match, type }: Matcher) => type === "exact" && match !== "*";
