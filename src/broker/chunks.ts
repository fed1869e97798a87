/** Chunks: events joined into one piece of text, encoded once for a whole audience. */
import type { Position } from "../model/position.ts";
import { type RingEvent, textOf } from "./ring.ts";

/** What is joined into one chunk, characters. */
export const CHUNK = 128 * 1024;

/** Events from `from` to `to` by their numbers; `at` is the place behind them. */
export type Chunk = {
  events: RingEvent[];
  from: number;
  to: number;
  at: Position;
  bytes: Uint8Array<ArrayBuffer>;
  last: boolean;
};

const encoder = new TextEncoder();

/** Prints and encodes one chunk after the other, each when it is asked for. */
export function* chunksOf(events: RingEvent[]): Generator<Chunk, void> {
  for (let start = 0, end = 0; start < events.length; start = end) {
    let text = "";
    while (end < events.length && text.length < CHUNK) text += textOf(events[end++]!);
    const part = events.slice(start, end);
    const { seq: to, versionstamp, index } = part.at(-1)!;
    const at = { versionstamp, index };
    yield { events: part, from: part[0]!.seq, to, at, bytes: encoder.encode(text), last: end === events.length };
  }
}

/** What a stream that stands in the middle of a chunk still lacks. */
export function restOf({ events }: Chunk, seq: number): Uint8Array<ArrayBuffer> {
  return encoder.encode(events.filter((event) => event.seq > seq).map(textOf).join(""));
}
