/**
 * Event streams: who listens here, from joining to leaving. Each stream is a cursor into the ring; `rounds.ts` writes to
 * those that are live, `replay.ts` to those that catch up.
 */
import type { Clock } from "../clock.ts";
import type { Metrics } from "../metrics.ts";
import type { Change } from "../model/change.ts";
import { EARLIEST, type Position } from "../model/position.ts";
import { printEventId } from "../wire/event_id.ts";
import { LOST, printKeepAlive, printRetry } from "../wire/event_stream.ts";
import { audienceKey, createAudience, createIndex, type Reader } from "./audience.ts";
import { chunksOf } from "./chunks.ts";
import type { Replays, Tape } from "./replay.ts";
import type { Ring } from "./ring.ts";
import { createRounds } from "./rounds.ts";
import type { OpenStream, Sink } from "./sink.ts";
import { LIMITS, type Room, type Stream } from "./stream.ts";

/** `setTimeout(0)` sleeps for a millisecond or two. */
const shortPause = () => new Promise<void>((resolve) => setTimeout(resolve, 0));

type Deps = {
  ring: Ring;
  replays: Replays;
  epoch: string;
  clock: Clock;
  random: () => number;
  metrics: Metrics;
  turn?: () => Promise<void>;
  pause?: () => Promise<void>;
  turnStreams?: number;
  limits?: typeof LIMITS;
};

/** How a stream begins: live when `from` is undefined; `lost` when its reader's place is not known any more. */
export type Start = { from?: Position; lost: boolean; expiresAt: number };

export type Streams = ReturnType<typeof createStreams>;

const encoder = new TextEncoder();
/**
 * Gives the event loop back: sockets are polled once in about 61 turns of Deno's scheduler unless it sleeps, so fewer
 * would starve other routes; `setTimeout(0)` sleeps for 2 ms.
 */
async function nextTurn(): Promise<void> {
  for (let turn = 0; turn < 64; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}

export function createStreams(
  { ring, replays, epoch, clock, random, metrics, turn = nextTurn, pause = shortPause, turnStreams, limits = LIMITS }:
    Deps,
) {
  const rooms = new Map<string, Room>();
  const index = createIndex();
  const isOpen = (stream: Stream) => stream.audience.streams.has(stream);
  const isBehind = ({ sink }: Stream) => sink.queued > limits.queued;
  const rounds = createRounds({ find: index.find, write, isBehind, fallBehind, turn, pause, turnStreams });
  const slots = Array.from({ length: limits.keepAlive }, () => new Set<Stream>());
  const endings = new Map<number, Set<Stream>>();
  let count = 0, ticks = 0, written = 0, lastSecond = Math.floor(clock.now() / 1000);

  /**
   * Admits a stream and answers how to open it. Opening joins first, replays up to the cursor, then goes live: no gap,
   * no duplicate. Throws `too_many_replays`.
   */
  function admit(reader: Reader, start: Start): OpenStream {
    if (start.from && !ring.covers(start.from)) replays.checkRoom();
    return (sink) => {
      const stream = createStream(reader, start, sink);
      if (start.lost) write(stream, encoder.encode(LOST));
      if (start.from) resume(stream, start.from);
      else join(stream, ring.head);
      return () => leave(stream, "gone");
    };
  }

  function createStream(reader: Reader, { expiresAt }: Start, sink: Sink): Stream {
    const audience = roomFor(reader);
    const life = limits.life * (0.8 + 0.4 * random());
    // Never in a second that was looked at already: such a stream would not end.
    const endsAt = Math.max(lastSecond + 1, Math.floor(Math.min(expiresAt, clock.now() + life) / 1000));
    const slot = count++ % limits.keepAlive;
    const stream: Stream = { sink, audience, seq: Infinity, at: EARLIEST, endsAt, chunks: 0, slot };
    if (!endings.get(endsAt)?.add(stream)) endings.set(endsAt, new Set([stream]));
    audience.streams.add(stream);
    slots[slot]!.add(stream);
    metrics.streamsOpen.inc();
    return stream;
  }

  function roomFor(reader: Reader): Room {
    const key = audienceKey(reader);
    const found = rooms.get(key);
    if (found) return found;
    const room = { ...createAudience(reader), streams: new Set<Stream>() };
    rooms.set(key, room);
    index.add(room);
    return room;
  }

  /** Goes live at once where little was missed; catches up by itself where it was much, or long ago. */
  function resume(stream: Stream, from: Position): void {
    const at = ring.covers(from) ? advance(stream, from) : from;
    if (at) void replays.run(at, tapeOf(stream));
  }

  function fallBehind(stream: Stream): void {
    stream.seq = Infinity;
    void replays.run(stream.at, tapeOf(stream));
  }

  function tapeOf(stream: Stream): Tape {
    return {
      sees: stream.audience.sees,
      write: (text) => write(stream, encoder.encode(text)),
      lost: () => write(stream, encoder.encode(LOST)),
      cut: () => cut(stream),
      advance: (at) => advance(stream, at),
      isBehind: () => isBehind(stream),
      isOpen: () => isOpen(stream),
    };
  }

  /** Writes one chunk of what the ring holds behind a position; with the last one the stream is live, in the same turn. */
  function advance(stream: Stream, at: Position): Position | undefined {
    const missed = ring.after(at).filter(({ change }) => stream.audience.sees(change));
    const { value: chunk } = chunksOf(missed).next();
    if (chunk) write(stream, chunk.bytes);
    if (chunk && !chunk.last) return chunk.at;
    if (isOpen(stream)) join(stream, ring.head);
    return undefined;
  }

  function join(stream: Stream, head: Position): void {
    write(stream, encoder.encode(printKeepAlive(printEventId(epoch, head))));
    [stream.seq, stream.at] = [ring.headSeq, head];
  }

  function write(stream: Stream, bytes: Uint8Array<ArrayBuffer>): void {
    stream.sink.write(bytes);
    written++;
    if (++stream.chunks >= limits.chunks) end(stream, "chunks");
  }

  function cut(stream: Stream): void {
    if (leave(stream, "slow")) stream.sink.destroy();
  }

  function end(stream: Stream, reason: "chunks" | "time" | "drain"): void {
    if (!leave(stream, reason)) return;
    stream.sink.write(encoder.encode(printRetry(limits.retry * (1 + random()))));
    stream.sink.end();
  }

  function leave(stream: Stream, reason: string): boolean {
    const { audience, endsAt, slot } = stream;
    if (!audience.streams.delete(stream)) return false;
    slots[slot]!.delete(stream);
    if (endings.get(endsAt)?.delete(stream) && endings.get(endsAt)!.size === 0) endings.delete(endsAt);
    if (audience.streams.size === 0) forget(audience);
    metrics.streamsOpen.dec();
    metrics.streamsEnded.inc({ reason });
    return true;
  }

  function forget(room: Room): void {
    rooms.delete(room.key);
    index.remove(room);
    rounds.forget(room);
  }

  /** Once a second: ends the streams whose time has come, and keeps a part of the others alive. */
  function tick(): void {
    const second = Math.floor(clock.now() / 1000);
    for (let at = lastSecond; at <= second; at++) for (const stream of endings.get(at) ?? []) end(stream, "time");
    lastSecond = Math.max(lastSecond, second);
    keepAlive(slots[ticks++ % slots.length]!);
    metrics.delivered.inc(written);
    written = 0;
  }

  function keepAlive(streams: Set<Stream>): void {
    const head = encoder.encode(printKeepAlive(printEventId(epoch, ring.head)));
    const comment = encoder.encode(":\n\n");
    for (const stream of streams) {
      if (isBehind(stream)) continue;
      const settled = stream.seq !== Infinity && rounds.isSettled(stream.audience);
      write(stream, settled ? head : comment);
    }
  }

  /** Ends every stream with a jittered `retry:`. */
  async function drain(): Promise<void> {
    await rounds.settled();
    replays.stop();
    for (const slot of slots) {
      for (const stream of slot) end(stream, "drain");
      await turn();
    }
  }

  return {
    admit,
    deliver: rounds.deliver,
    tick,
    drain,
    /** Whether a stream here is shown such a change. */
    isHeard: (change: Change) => index.find(change).some(() => true),
    /** What the streams here ask for. */
    matchers: () => rooms.values().flatMap(({ reader }) => reader.matchers),
  };
}
