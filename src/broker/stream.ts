/** One open event stream. */
import type { Position } from "../model/position.ts";
import type { Audience } from "./audience.ts";
import type { Sink } from "./sink.ts";

/**
 * `seq` is the number of the last event that it has, `at` that event's place; while it catches up by itself `seq` is
 * infinite, so that rounds pass it by. `endsAt` is in seconds since 1970.
 */
export type Stream = {
  sink: Sink;
  audience: Room;
  seq: number;
  at: Position;
  endsAt: number;
  chunks: number;
  slot: number;
};

/** An audience with the streams that are in it now. */
export type Room = Audience & { streams: Set<Stream> };
