/** The end of a stream: its reader is told when to come again, with jitter, so that not all come back together. */
import { printRetry } from "../wire/event_stream.ts";
import type { Sink } from "./sink.ts";

const encoder = new TextEncoder();

/** `retry` is the shortest wait, milliseconds; the longest is its double. */
export function createGoodbye(retry: number, random: () => number) {
  function say(sink: Sink): void {
    sink.write(encoder.encode(printRetry(retry * (1 + random()))));
    sink.end();
  }

  /** What came meanwhile took the last seat, and the head is out already. */
  function turnAway(sink: Sink): () => void {
    say(sink);
    return () => {};
  }

  return { say, turnAway };
}
