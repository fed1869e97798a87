/** How records stand in KV: JSON as bytes, with a version; bounded by what a KV value holds. */
import type { Shape } from "./shape.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Bytes of one record: a KV value holds 65,536. */
export const MAX_RECORD_BYTES = 60 * 1024;

/** The version that this code writes. Any parser of ours must go on reading every version that it ever wrote. */
const VERSION = 1;

export function encodeRecord(record: Record<string, unknown>): Uint8Array<ArrayBuffer> {
  return encoder.encode(JSON.stringify({ v: VERSION, ...record }));
}

/** Undefined for what is no record of this shape and a version that we know: it is set aside, never changed. */
export function decodeRecord<T>(value: unknown, isShape: Shape<T>): T | undefined {
  if (!(value instanceof Uint8Array)) return undefined;
  try {
    const record: unknown = JSON.parse(decoder.decode(value));
    return isShape(record) && (record as { v?: unknown }).v === VERSION ? record : undefined;
  } catch {
    return undefined;
  }
}
