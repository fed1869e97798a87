/**
 * Merging: what happened to one topic since its subscribers were told last (CC/CD 70025: the gateway may, the server must
 * not). Newest by timestamp wins, not by arrival; the highest priority; the union of the triggers; who must not be told is
 * intersected for each trigger.
 */
import type { Change, Depth } from "./change.ts";

/** What was merged of one trigger. `timestamp` is that of its newest change, milliseconds since 1970. */
type Part = { depths: Depth[]; except: string[]; timestamp: number };

/** Several changes of one topic as one. */
export type Merged = {
  priority: number;
  timestamp: number;
  data?: string;
  content?: Part & { syncToken?: string };
  /** `props` are Clark names; none means that they are not known. */
  property?: Part & { props: string[] };
};

/** Bytes of data that are kept: no push message could carry more (RFC 8291 4). */
const MAX_DATA = 3993;

/** Names of properties that are kept, and their characters together; beyond, any property may have changed. */
const MAX_PROPS = 100;
const MAX_PROPS_LENGTH = 2_000;

const DEPTHS: Depth[] = ["0", "1", "infinity"];

/** One change as the beginning of a merge. An update without a trigger, as Mercure has them, counts as one of content. */
export function toMerged({ priority, timestamp, data, content, property }: Change): Merged {
  const merged: Merged = { priority, timestamp };
  if (data !== undefined && data.length <= MAX_DATA) merged.data = data;
  if (content) merged.content = { ...toPart(content, timestamp), ...token(content.syncToken) };
  if (property) merged.property = { ...toPart(property, timestamp), props: boundProps(property.props) };
  if (!content && !property) merged.content = toPart({ depth: "0", except: [] }, timestamp);
  return merged;
}

function toPart({ depth, except }: { depth: Depth; except: string[] }, timestamp: number): Part {
  return { depths: [depth], except, timestamp };
}

function token(syncToken: string | undefined): { syncToken?: string } {
  return syncToken === undefined ? {} : { syncToken };
}

/** Merges two; `b` arrived later, which decides between equal timestamps alone. */
export function merge(a: Merged, b: Merged): Merged {
  const newest = b.timestamp >= a.timestamp ? b : a;
  const merged: Merged = { priority: Math.max(a.priority, b.priority), timestamp: newest.timestamp };
  if (newest.data !== undefined) merged.data = newest.data;
  const content = both(a.content, b.content, (a, b, newest) => ({ ...mergePart(a, b), ...token(newest.syncToken) }));
  const property = both(
    a.property,
    b.property,
    (a, b) => ({ ...mergePart(a, b), props: uniteProps(a.props, b.props) }),
  );
  if (content) merged.content = content;
  if (property) merged.property = property;
  return merged;
}

function both<P extends Part>(a: P | undefined, b: P | undefined, join: (a: P, b: P, newest: P) => P): P | undefined {
  if (!a || !b) return a ?? b;
  return join(a, b, b.timestamp >= a.timestamp ? b : a);
}

function mergePart(a: Part, b: Part): Part {
  return {
    depths: uniteDepths(a.depths, b.depths),
    except: intersect(a.except, b.except),
    timestamp: Math.max(a.timestamp, b.timestamp),
  };
}

/** A busy topic is merged a hundred times a second, and mostly with its like. */
function uniteDepths(a: Depth[], b: Depth[]): Depth[] {
  if (a === b || (a.length === 1 && b.length === 1 && a[0] === b[0])) return a;
  return DEPTHS.filter((depth) => a.includes(depth) || b.includes(depth));
}

function intersect(a: string[], b: string[]): string[] {
  if (a.length === 0) return a;
  return b.length === 0 ? b : a.filter((name) => b.includes(name));
}

function uniteProps(a: string[], b: string[]): string[] {
  return a.length === 0 || b.length === 0 ? [] : boundProps([...new Set([...a, ...b])].sort());
}

function boundProps(props: string[]): string[] {
  const length = props.reduce((sum, name) => sum + name.length, 0);
  return props.length > MAX_PROPS || length > MAX_PROPS_LENGTH ? [] : props;
}
