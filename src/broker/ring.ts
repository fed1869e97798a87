/** The newest events in memory. Streams are cursors into it; what is older is read from the journal. */
import type { Change } from "../model/change.ts";
import { comparePositions, EARLIEST, type Position } from "../model/position.ts";
import { printEventId } from "../wire/event_id.ts";
import { printEvent } from "../wire/event_stream.ts";

/** Enough for minutes of a busy server, small enough for an isolate of 512 MB. */
export const RING_BYTES = 16 * 1024 * 1024;
export const RING_EVENTS = 50_000;

/** A batch of a version that we know. */
export type SeenBatch = { versionstamp: string; bytes: number; changes: Change[] };

/** `seq` counts the events that this process has seen: cheap to compare. `text` is printed once, when first needed. */
export type RingEvent = Position & { seq: number; id: string; change: Change; bytes: number; text?: string };

export type Ring = ReturnType<typeof createRing>;

/** Makes a ring that holds everything after `startsAfter`. */
export function createRing(
  epoch: string,
  startsAfter: Position = EARLIEST,
  limits = { bytes: RING_BYTES, events: RING_EVENTS },
) {
  let events: RingEvent[] = [];
  let first = 0, bytes = 0, seq = 0;
  let head = startsAfter;

  function append(batch: SeenBatch): RingEvent[] {
    const { versionstamp, changes } = batch;
    if (changes.length === 0) return [];
    const each = batch.bytes / changes.length;
    const added = changes.map((change, index) => toEvent(change, versionstamp, index, each));
    events.push(...added);
    bytes += batch.bytes;
    head = added.at(-1) ?? head;
    forget();
    return added;
  }

  function toEvent(change: Change, versionstamp: string, index: number, bytes: number): RingEvent {
    return {
      seq: ++seq,
      versionstamp,
      index,
      id: change.id ?? printEventId(epoch, { versionstamp, index }),
      change,
      bytes,
    };
  }

  function forget(): void {
    while (bytes > limits.bytes || events.length - first > limits.events) {
      const gone = events[first++]!;
      bytes -= gone.bytes;
      startsAfter = { versionstamp: gone.versionstamp, index: gone.index };
    }
    if (first === events.length) bytes = 0;
    if (first > 1024 && first > events.length / 2) [events, first] = [events.slice(first), 0];
  }

  /** The events after a position that the ring covers, oldest first. */
  function after(position: Position): RingEvent[] {
    let low = first, high = events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (comparePositions(events[middle]!, position) <= 0) low = middle + 1;
      else high = middle;
    }
    return events.slice(low);
  }

  /** The newest sync-token that was told of a topic. */
  function lastToken(topic: string): string | undefined {
    for (let at = events.length - 1; at >= first; at--) {
      const { change: { topics, content } } = events[at]!;
      if (topics[0] === topic && content?.syncToken !== undefined) return content.syncToken;
    }
    return undefined;
  }

  return {
    append,
    after,
    lastToken,
    covers: (position: Position) => comparePositions(position, startsAfter) >= 0,
    /** Everything after this is held. */
    get start(): Position {
      return startsAfter;
    },
    /** The newest event's position and number. */
    get head(): Position {
      return { versionstamp: head.versionstamp, index: head.index };
    },
    get headSeq(): number {
      return seq;
    },
  };
}

/** The event as a stream shows it. */
export function textOf(event: RingEvent): string {
  return event.text ??= printEvent(event.id, event.change);
}
