/** How a batch of changes stands in the journal: compact JSON with a version, short keys, defaults left out. */
import { Buffer } from "node:buffer";
import { type Change, DEFAULT_PRIORITY, type Depth, MAX_EVENT_BYTES } from "../model/change.ts";
import { CarillonError } from "../errors.ts";
import { depth } from "./merged_shape.ts";
import { instant, line, list, members, number, object, oneOf, type Shape, text, textOrNull, texts } from "./shape.ts";

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

type Content = NonNullable<Compact["c"]>;
type Property = NonNullable<Compact["n"]>;

const contentShape: Shape<Content> = (value): value is Content =>
  Array.isArray(value) && depth(value[0]) && textOrNull(value[1]) && texts(value.slice(2));
const propertyShape: Shape<Property> = (value): value is Property =>
  Array.isArray(value) && depth(value[0]) && texts(value[1]) && texts(value.slice(2));

/** Member by member: every worker reads every change. */
const compactShape: Shape<Compact> = (value): value is Compact => {
  if (!object<Compact>(value)) return false;
  const { t, s, o, p, i, y, r, d, c, n, x } = value;
  return (text(t) || texts(t) && t.length > 0) && instant(s) && (o === undefined || o === 1) &&
    (p === undefined || number(p)) && (i === undefined || line(i)) && (y === undefined || line(y)) &&
    (r === undefined || number(r)) && (d === undefined || text(d)) && (c === undefined || contentShape(c)) &&
    (n === undefined || propertyShape(n)) && (x === undefined || texts(x));
};

const batchShape = members<{ v: number; c: Compact[] }>({ v: oneOf(VERSION), c: list(compactShape) });

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

/** Reads a batch. Undefined when it is not a batch of a version and a shape that we know: an event's place is in it. */
export function decodeBatch(value: unknown): Change[] | undefined {
  if (!(value instanceof Uint8Array)) return undefined;
  try {
    const batch: unknown = JSON.parse(decoder.decode(value));
    return batchShape(batch) ? batch.c.map(expand) : undefined;
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
