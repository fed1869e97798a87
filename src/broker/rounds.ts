/** Rounds: what waits for each audience is written to its streams; what is published meanwhile joins the next round. */
import type { Audience } from "./audience.ts";
import { type Chunk, chunksOf, restOf } from "./chunks.ts";
import type { RingEvent } from "./ring.ts";
import type { Room, Stream } from "./stream.ts";

/** A round gives the event loop back after so many streams or milliseconds. */
const TURN = { streams: 1_000, milliseconds: 6 };

/** A room that takes longer, milliseconds, is worth a pause in which more comes that it can be written with. */
const LONG = 32;

type Deps = {
  find: (change: RingEvent["change"]) => Iterable<Audience>;
  write: (stream: Stream, bytes: Uint8Array<ArrayBuffer>) => void;
  /** True when the stream has so much to read already that it must catch up by itself. */
  isBehind: (stream: Stream) => boolean;
  fallBehind: (stream: Stream) => void;
  turn: () => Promise<void>;
  /** Sleeps for a moment, in which sockets drain. */
  pause: () => Promise<void>;
  turnStreams?: number;
};

export function createRounds({ find, write, isBehind, fallBehind, turn, pause, turnStreams = TURN.streams }: Deps) {
  const dirty = new Set<Room>();
  let writing: Room | undefined;
  let round = Promise.resolve();
  let running = false;
  /** Rooms to which several events at once were written last, and that took long. */
  const busy = new WeakSet<Room>();

  /** Takes the events that were just appended to the ring, and starts a round if none runs. */
  function deliver(events: RingEvent[]): void {
    for (const event of events) {
      for (const room of find(event.change) as Iterable<Room>) {
        room.pending.push(event);
        dirty.add(room);
      }
    }
    if (dirty.size > 0 && !running) round = run();
  }

  async function run(): Promise<void> {
    running = true;
    const turns = createTurns();
    for (const room of dirty) {
      writing = room;
      // Who waits for several events to arrive sends several more then: the first must not get a round of its own.
      if (busy.has(room)) await pause();
      dirty.delete(room);
      await writePending(room, turns);
    }
    // In the same turn as the last check of `dirty`: whoever delivers next starts a new round.
    writing = undefined;
    running = false;
  }

  async function writePending(room: Room, turns: Turns): Promise<void> {
    const events = room.pending.splice(0), began = performance.now();
    for (const chunk of chunksOf(events)) {
      await writeAll(room, chunk, turns);
      // Nothing leaves a socket within a turn: a burst must not look like a slow reader.
      if (!chunk.last) await pause();
    }
    if (events.length > 1 && performance.now() - began > LONG) busy.add(room);
    else busy.delete(room);
  }

  async function writeAll(room: Room, chunk: Chunk, turns: Turns): Promise<void> {
    for (const stream of room.streams) {
      if (stream.seq < chunk.to) writeOne(stream, chunk);
      if (turns.due()) await turns.take();
    }
  }

  function writeOne(stream: Stream, chunk: Chunk): void {
    if (isBehind(stream)) return fallBehind(stream);
    write(stream, stream.seq < chunk.from ? chunk.bytes : restOf(chunk, stream.seq));
    [stream.seq, stream.at] = [chunk.to, chunk.at];
  }

  type Turns = ReturnType<typeof createTurns>;
  function createTurns() {
    let streams = 0, since = performance.now();
    return {
      due: () => ++streams % 64 === 0 && (streams >= turnStreams || performance.now() - since > TURN.milliseconds),
      async take() {
        await turn();
        [streams, since] = [0, performance.now()];
      },
    };
  }

  return {
    deliver,
    forget: (room: Room) => void dirty.delete(room),
    /** True when nothing waits for the room: its streams stand at the head. */
    isSettled: (room: Room) => room !== writing && room.pending.length === 0,
    /** Resolves when the round that runs now is over. */
    settled: () => round,
  };
}
