/**
 * Event streams: who listens here, from joining to leaving. Each stream is a cursor into the ring; `rounds.ts` writes to
 * those that are live, `replay.ts` to those that catch up.
 */
import type { Clock } from "../clock.ts";
import type { Metrics } from "../metrics.ts";
import type { Change } from "../model/change.ts";
import { EARLIEST, type Position } from "../model/position.ts";
import { printEventId } from "../wire/event_id.ts";
import { LOST, printKeepAlive } from "../wire/event_stream.ts";
import type { Reader } from "./audience.ts";
import { chunksOf } from "./chunks.ts";
import { createGoodbye } from "./goodbye.ts";
import type { Replays, Tape } from "./replay.ts";
import type { Ring } from "./ring.ts";
import { createRooms } from "./rooms.ts";
import { createRounds } from "./rounds.ts";
import type { Seats } from "./seats.ts";
import type { OpenStream, Sink } from "./sink.ts";
import { LIMITS, type Start, type Stream } from "./stream.ts";
import { nextTurn, shortPause } from "./turn.ts";

type Deps = {
  ring: Ring;
  replays: Replays;
  seats: Seats;
  epoch: string;
  clock: Clock;
  random: () => number;
  metrics: Metrics;
  turn?: () => Promise<void>;
  pause?: () => Promise<void>;
  turnStreams?: number;
  limits?: typeof LIMITS;
};

export type Streams = ReturnType<typeof createStreams>;

const encoder = new TextEncoder();

export function createStreams(
  { ring, replays, seats, epoch, clock, random, metrics, limits = LIMITS, ...pacing }: Deps,
) {
  const { turn = nextTurn, pause = shortPause, turnStreams } = pacing;
  const { find, roomFor, forget, matchers } = createRooms();
  const isOpen = (stream: Stream) => stream.audience.streams.has(stream);
  const isBehind = ({ sink }: Stream) => sink.queued > limits.queued;
  const rounds = createRounds({ find, write, isBehind, fallBehind, turn, pause, turnStreams });
  const goodbye = createGoodbye(limits.retry, random);
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
      if (!seats.take(start.owner)) return goodbye.turnAway(sink);
      const stream = createStream(reader, start, sink);
      if (start.lost) write(stream, encoder.encode(LOST));
      if (start.from) resume(stream, start.from);
      else join(stream, ring.head);
      return () => leave(stream, "gone");
    };
  }

  function createStream(reader: Reader, { expiresAt, owner, tracked }: Start, sink: Sink): Stream {
    const audience = roomFor(reader);
    const life = limits.life * (0.8 + 0.4 * random());
    // Never in a second that was looked at already: such a stream would not end.
    const endsAt = Math.max(lastSecond + 1, Math.floor(Math.min(expiresAt, clock.now() + life) / 1000));
    const slot = count++ % limits.keepAlive;
    const stream: Stream = { sink, audience, owner, tracked, seq: Infinity, at: EARLIEST, endsAt, chunks: 0, slot };
    if (!endings.get(endsAt)?.add(stream)) endings.set(endsAt, new Set([stream]));
    audience.streams.add(stream);
    slots[slot]!.add(stream);
    metrics.streamsOpen.inc();
    tracked?.opened();
    return stream;
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
    goodbye.say(stream.sink);
  }

  function leave(stream: Stream, reason: string): boolean {
    const { audience, owner, tracked, endsAt, slot } = stream;
    if (!audience.streams.delete(stream)) return false;
    slots[slot]!.delete(stream);
    if (endings.get(endsAt)?.delete(stream) && endings.get(endsAt)!.size === 0) endings.delete(endsAt);
    if (audience.streams.size === 0) (forget(audience), rounds.forget(audience));
    (seats.leave(owner), tracked?.closed());
    metrics.streamsOpen.dec();
    metrics.streamsEnded.inc({ reason });
    return true;
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
    isHeard: (change: Change) => find(change).some(() => true),
    /** What the streams here ask for. */
    matchers,
  };
}
