/** One open event stream, and what bounds it. */
import type { Position } from "../model/position.ts";
import type { Tracked } from "./active/track.ts";
import type { Audience } from "./audience.ts";
import type { Sink } from "./sink.ts";

/**
 * `seq` is the number of the last event that it has, `at` that event's place; while it catches up by itself `seq` is
 * infinite, so that rounds pass it by. `endsAt` is in seconds since 1970; `owner` is missing where nobody is named.
 */
export type Stream = {
  sink: Sink;
  audience: Room;
  owner: string | undefined;
  tracked: Tracked | undefined;
  seq: number;
  at: Position;
  endsAt: number;
  chunks: number;
  slot: number;
};

/**
 * How a stream begins: live when `from` is undefined; `lost` when its reader's place is not known any more. `owner` is
 * whose it is, where its token says so; `tracked` where active subscriptions are told.
 */
export type Start = { from?: Position; lost: boolean; expiresAt: number; owner?: string; tracked?: Tracked };

/** An audience with the streams that are in it now. */
export type Room = Audience & { streams: Set<Stream> };

export const LIMITS = {
  /** A reader that lets more than this wait, bytes, leaves the rounds and catches up at its own speed. */
  queued: 1024 * 1024,
  /** A stream ends after so many chunks: Deno up to 2.5.4 leaks about 1 KB for each until it ends. */
  chunks: 20_000,
  /** And after this time, milliseconds, give or take a fifth, so that reconnects do not come together. */
  life: 60 * 60_000,
  /** Every stream hears something at least so often, seconds: proxies cut what is silent for a minute. */
  keepAlive: 15,
  /** What a client waits before it connects again, milliseconds; drawn between this and its double. */
  retry: 2_000,
};
