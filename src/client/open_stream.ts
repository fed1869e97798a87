/** The event stream of a subscription: one connection, until it ends or breaks. */
import { readEvents, type StreamItem } from "./event_stream.ts";
import type { Urgency } from "./message.ts";
import { inTime } from "./pace.ts";
import { ReceiverError } from "./receiver_error.ts";
import { discard, type Effects, request } from "./request.ts";

/** Milliseconds: a push service is heard every 15 seconds, so after three times that the connection is dead. */
const SILENCE = 45_000;

type Asked = { subscription: string; urgency: Urgency; lastEventId?: string; signal: AbortSignal };

/** Opens it, and reads it as far as it is asked for. Throws `refused`, `gone`, `unavailable` or `malformed`. */
export async function* openStream(effects: Effects, asked: Asked): AsyncGenerator<StreamItem> {
  // Not AbortSignal.any: Deno 2.9 may collect what it makes while a fetch still waits for it, and nothing would end that.
  const cut = new AbortController(), end = () => cut.abort();
  asked.signal.addEventListener("abort", end);
  try {
    yield* readEvents(readerOf(effects, await connect(effects, asked, cut), end));
  } finally {
    asked.signal.removeEventListener("abort", end);
    // Whatever is left of it is not wanted.
    end();
  }
}

function readerOf({ pace }: Effects, body: ReadableStream<Uint8Array<ArrayBuffer>>, end: () => void) {
  const reader = body.getReader();
  return () =>
    inTime(pace, SILENCE, end, reader.read()).catch(() => {
      throw new ReceiverError("unavailable", "the stream broke off");
    });
}

async function connect(effects: Effects, { subscription, urgency, lastEventId }: Asked, cut: AbortController) {
  const headers = {
    accept: "text/event-stream",
    // A page of another origin must ask before it may send the field (CORS).
    ...(urgency !== "very-low" && { urgency }),
    ...(lastEventId !== undefined && { "last-event-id": lastEventId }),
  };
  const response = await request(effects, subscription, { headers }, [200], cut);
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream");
  if (isStream && response.body) return response.body as ReadableStream<Uint8Array<ArrayBuffer>>;
  await discard(response);
  throw new ReceiverError("malformed", "the push service answered no event stream");
}
