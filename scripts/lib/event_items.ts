/** Reads an event stream (WHATWG HTML 9.2) into what a listener acts on, in order. */
import { createParser } from "eventsource-parser";

/** `id` stands alone where a block dispatches nothing: it moves the listener's place all the same. */
export type StreamItem =
  | { kind: "id"; id: string }
  | { kind: "retry"; milliseconds: number }
  | { kind: "event"; type: string; data: string };

/** One event is at most 48 KiB as the journal holds it; each line of its data costs six characters more. */
const MAX_BUFFER = 1024 * 1024;

/** The worker lets a stream be heard every 15 seconds: after three times that the connection is dead. */
const SILENCE = 45_000;

/** Reads until the stream ends. `silent` is called when nothing was heard for too long while waiting. */
export async function* readItems(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  silent: () => void,
  silence = SILENCE,
): AsyncGenerator<StreamItem> {
  const items: StreamItem[] = [];
  const parser = createParser({
    maxBufferSize: MAX_BUFFER,
    onId: (id) => items.push({ kind: "id", id }),
    onRetry: (milliseconds) => items.push({ kind: "retry", milliseconds }),
    onEvent: ({ event, data }) => items.push({ kind: "event", type: event ?? "message", data }),
  });
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  // Deno 2.9.6 may forget the signal of a fetch that has answered: then its reader alone can end it.
  const giveUp = () => (silent(), void reader.cancel().catch(() => {}));
  let timer = setTimeout(giveUp, silence);
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      clearTimeout(timer);
      parser.feed(read.value);
      yield* items.splice(0);
      timer = setTimeout(giveUp, silence);
    }
  } finally {
    clearTimeout(timer);
    await reader.cancel().catch(() => {});
  }
}
