/**
 * Event streams: who listens here, and the rounds that write to them. Each stream is a cursor into the ring. What was
 * published while a round is written joins the next one; one encoded chunk is shared by a whole audience.
 */
import type { Clock } from "../clock.ts";
import type { Metrics } from "../metrics.ts";
import type { Position } from "../model/position.ts";
import { printEventId } from "../wire/event_id.ts";
import { LOST, printKeepAlive, printRetry } from "../wire/event_stream.ts";
import { type Audience, audienceKey, createAudience, createIndex, type Reader } from "./audience.ts";
import type { Replays } from "./replay.ts";
import { type Ring, type RingEvent, textOf } from "./ring.ts";
import type { OpenStream, Sink } from "./sink.ts";

export const LIMITS = {
  /** A reader that lets more than this wait, bytes, is cut. */
  queued: 1024 * 1024,
  /** What is joined into one chunk, characters. */
  chunk: 128 * 1024,
  /** A stream ends after so many chunks: Deno up to 2.5.4 leaks about 1 KB for each until it ends. */
  chunks: 20_000,
  /** And after this time, milliseconds, give or take a fifth, so that reconnects do not come together. */
  life: 60 * 60_000,
  /** Every stream hears something at least so often, seconds: proxies cut what is silent for a minute. */
  keepAlive: 15,
  /** What a client waits before it connects again, milliseconds; drawn between this and its double. */
  retry: 2_000,
  /** A round gives the event loop back after so many streams or milliseconds. */
  turnStreams: 1_000,
  turnMilliseconds: 4,
};

type Stream = { sink: Sink; audience: Room; seq: number; endsAt: number; chunks: number; slot: number };

/** An audience with the streams that are in it now. */
type Room = Audience & { streams: Set<Stream> };

type Deps = {
  ring: Ring;
  replays: Replays;
  epoch: string;
  clock: Clock;
  random: () => number;
  metrics: Metrics;
  /** Gives the event loop back. `setTimeout(0)`: chained `setImmediate` turns starve `node:http`'s reads. */
  turn?: () => Promise<void>;
  limits?: typeof LIMITS;
};

/** How a stream begins: live when `from` is undefined; `lost` when its reader's place is not known any more. */
export type Start = { from?: Position; lost: boolean; expiresAt: number };

export type Streams = ReturnType<typeof createStreams>;

const encoder = new TextEncoder();
const nextTurn = () => new Promise<void>((resolve) => setTimeout(resolve, 0));

export function createStreams(
  { ring, replays, epoch, clock, random, metrics, turn = nextTurn, limits = LIMITS }: Deps,
) {
  const rooms = new Map<string, Room>();
  const index = createIndex();
  const dirty = new Set<Room>();
  const slots = Array.from({ length: limits.keepAlive }, () => new Set<Stream>());
  const endings = new Map<number, Set<Stream>>();
  let count = 0, ticks = 0, lastSecond = Math.floor(clock.now() / 1000);
  let rounding = false;
  let round: Promise<void> | undefined;

  /**
   * Admits a stream and answers how to open it. Opening joins first, replays up to the cursor, then goes live: no gap,
   * no duplicate. Throws `too_many_replays`.
   */
  function admit(reader: Reader, start: Start): OpenStream {
    const replay = start.from && !ring.covers(start.from) ? replays.admit() : undefined;
    return (sink) => {
      const stream = createStream(reader, start, sink);
      if (start.lost) write(stream, encoder.encode(LOST));
      if (replay && start.from) void replay(start.from, tapeOf(stream));
      else join(stream, start.from);
      return () => leave(stream, "gone");
    };
  }

  function createStream(reader: Reader, { expiresAt }: Start, sink: Sink): Stream {
    const life = limits.life * (0.8 + 0.4 * random());
    const endsAt = Math.floor(Math.min(expiresAt, clock.now() + life) / 1000);
    const stream = {
      sink,
      audience: roomFor(reader),
      seq: Infinity,
      endsAt,
      chunks: 0,
      slot: count++ % limits.keepAlive,
    };
    if (!endings.get(endsAt)?.add(stream)) endings.set(endsAt, new Set([stream]));
    stream.audience.streams.add(stream);
    slots[stream.slot]!.add(stream);
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

  /** What a replay needs of a stream. While it runs, `seq` is infinite, so that rounds pass the stream by. */
  function tapeOf(stream: Stream) {
    return {
      sees: stream.audience.sees,
      write: (text: string) => write(stream, encoder.encode(text)),
      cut: () => cut(stream),
      join: (at: Position) => join(stream, at),
      get queued() {
        return stream.sink.queued;
      },
      get open() {
        return stream.audience.streams.has(stream);
      },
    };
  }

  /** Writes what the ring holds after a position, and goes live, in one turn. */
  function join(stream: Stream, from: Position | undefined): void {
    const missed = from ? ring.after(from).filter(({ change }) => stream.audience.sees(change)) : [];
    const end = printKeepAlive(printEventId(epoch, ring.head));
    for (const chunk of chunksOf(missed)) write(stream, chunk.bytes);
    write(stream, encoder.encode(end));
    stream.seq = ring.headSeq;
  }

  /** Takes the events that were just appended to the ring, and starts a round if none runs. */
  function deliver(events: RingEvent[]): void {
    for (const event of events) {
      for (const room of index.find(event.change)) {
        (room as Room).pending.push(event);
        dirty.add(room as Room);
      }
    }
    if (dirty.size > 0 && !rounding) round = runRounds();
  }

  async function runRounds(): Promise<void> {
    rounding = true;
    const turns = createTurns();
    for (const room of dirty) {
      dirty.delete(room);
      for (const chunk of chunksOf(room.pending.splice(0))) await writeAll(room, chunk, turns);
    }
    rounding = false;
  }

  async function writeAll(room: Room, chunk: Chunk, turns: Turns): Promise<void> {
    for (const stream of room.streams) {
      if (stream.seq < chunk.from) write(stream, chunk.bytes);
      else if (stream.seq < chunk.to) write(stream, partOf(chunk, stream.seq));
      if (stream.seq < chunk.to) stream.seq = chunk.to;
      if (turns.due()) await turns.take();
    }
  }

  type Turns = ReturnType<typeof createTurns>;
  function createTurns() {
    let streams = 0, since = performance.now();
    return {
      due: () =>
        ++streams % 64 === 0 && (streams >= limits.turnStreams || performance.now() - since > limits.turnMilliseconds),
      async take() {
        await turn();
        [streams, since] = [0, performance.now()];
      },
    };
  }

  type Chunk = { events: RingEvent[]; from: number; to: number; bytes: Uint8Array<ArrayBuffer> };
  function chunksOf(events: RingEvent[]): Chunk[] {
    const chunks: Chunk[] = [];
    for (let start = 0, end = 0; start < events.length; start = end) {
      let text = "";
      while (end < events.length && text.length < limits.chunk) text += textOf(events[end++]!);
      const part = events.slice(start, end);
      chunks.push({ events: part, from: part[0]!.seq, to: part.at(-1)!.seq, bytes: encoder.encode(text) });
    }
    return chunks;
  }

  /** A stream that joined in the middle of what a chunk holds gets the rest of it. */
  function partOf({ events }: Chunk, seq: number): Uint8Array<ArrayBuffer> {
    return encoder.encode(events.filter((event) => event.seq > seq).map(textOf).join(""));
  }

  function write(stream: Stream, bytes: Uint8Array<ArrayBuffer>): void {
    stream.sink.write(bytes);
    metrics.delivered.inc();
    if (stream.sink.queued > limits.queued) cut(stream);
    else if (++stream.chunks >= limits.chunks) end(stream, "chunks");
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
    dirty.delete(room);
  }

  /** Once a second: ends the streams whose time has come, and keeps a part of the others alive. */
  function tick(): void {
    const second = Math.floor(clock.now() / 1000);
    for (let at = lastSecond; at <= second; at++) for (const stream of endings.get(at) ?? []) end(stream, "time");
    lastSecond = second;
    keepAlive(slots[ticks++ % slots.length]!);
  }

  function keepAlive(streams: Set<Stream>): void {
    const bytes = encoder.encode(printKeepAlive(printEventId(epoch, ring.head)));
    for (const stream of streams) {
      const settled = stream.seq !== Infinity && stream.audience.pending.length === 0 && !rounding;
      write(stream, settled ? bytes : encoder.encode(":\n\n"));
    }
  }

  /** Ends every stream with a jittered `retry:`. */
  async function drain(): Promise<void> {
    const turns = createTurns();
    await round;
    for (const slot of slots) {
      for (const stream of slot) {
        end(stream, "drain");
        if (turns.due()) await turns.take();
      }
    }
  }

  return { admit, deliver, tick, drain };
}
