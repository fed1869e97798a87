/** How a batch of changes stands in the journal: compact JSON with a version, short keys, defaults left out. */
import { Buffer } from "node:buffer";
import { type Change, DEFAULT_PRIORITY, type Depth, MAX_EVENT_BYTES } from "../model/change.ts";
import { CarillonError } from "../errors.ts";

const VERSION = 1;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The short form. Any parser of ours must go on reading every version that it ever wrote. */
type Compact = {
  t: string[] | string;
  s: number;
  o?: 1;
  p?: number;
  i?: string;
  y?: string;
  r?: number;
  d?: string;
  c?: [depth: Depth, syncToken: string | null, ...except: string[]];
  n?: [depth: Depth, props: string[], ...except: string[]];
  /** Who both triggers except, where it is the same for both. */
  x?: string[];
};

/** A change ready for the journal: `json` is spliced into a batch, so that no change is encoded twice. */
export type EncodedChange = { json: string; bytes: number };

/** Encodes one change. Throws `too_large` above 48 KiB. */
export function encodeChange(change: Change): EncodedChange {
  const json = JSON.stringify(compact(change));
  const bytes = Buffer.byteLength(json);
  if (bytes > MAX_EVENT_BYTES) throw new CarillonError("too_large", `an event is too large: ${bytes} bytes`);
  return { json, bytes };
}

/** Joins encoded changes into the value of one batch. */
export function joinBatch(changes: EncodedChange[]): Uint8Array<ArrayBuffer> {
  return encoder.encode(`{"v":${VERSION},"c":[${changes.map(({ json }) => json).join(",")}]}`);
}

/** Reads a batch. Undefined when it is not a batch of a version that we know. */
export function decodeBatch(value: unknown): Change[] | undefined {
  if (!(value instanceof Uint8Array)) return undefined;
  try {
    const batch = JSON.parse(decoder.decode(value)) as { v: number; c: Compact[] };
    return batch.v === VERSION ? batch.c.map(expand) : undefined;
  } catch {
    return undefined;
  }
}

function compact(change: Change): Compact {
  const { topics, content, property } = change;
  const shared = content?.except.length && property && isSame(content.except, property.except);
  return {
    t: topics.length === 1 ? topics[0]! : topics,
    s: change.timestamp,
    o: change.private ? undefined : 1,
    p: change.priority === DEFAULT_PRIORITY ? undefined : change.priority,
    i: change.id,
    y: change.type,
    r: change.retry,
    d: change.data,
    c: content && [content.depth, content.syncToken ?? null, ...(shared ? [] : content.except)],
    n: property && [property.depth, property.props, ...(shared ? [] : property.except)],
    x: shared ? content?.except : undefined,
  };
}

function expand(compact: Compact): Change {
  const change: Change = {
    topics: [compact.t].flat(),
    private: compact.o !== 1,
    priority: compact.p ?? DEFAULT_PRIORITY,
    timestamp: compact.s,
  };
  if (compact.i !== undefined) change.id = compact.i;
  if (compact.y !== undefined) change.type = compact.y;
  if (compact.r !== undefined) change.retry = compact.r;
  if (compact.d !== undefined) change.data = compact.d;
  if (compact.c) change.content = expandContent(compact.c);
  if (compact.n) change.property = expandProperty(compact.n);
  if (compact.x && change.content) change.content.except = compact.x;
  if (compact.x && change.property) change.property.except = compact.x;
  return change;
}

function expandContent([depth, syncToken, ...except]: NonNullable<Compact["c"]>): Change["content"] {
  return syncToken === null ? { depth, except } : { depth, syncToken, except };
}

function expandProperty([depth, props, ...except]: NonNullable<Compact["n"]>): Change["property"] {
  return { depth, props, except };
}

function isSame(a: string[], b: string[]): boolean {
  return a.length === b.length && a.every((text, index) => text === b[index]);
}
