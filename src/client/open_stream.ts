/** The event stream of a subscription: one connection, until it ends or breaks. */
import { readEvents, type StreamItem } from "./event_stream.ts";
import type { Urgency } from "./message.ts";
import { inTime } from "./pace.ts";
import { ReceiverError } from "./receiver_error.ts";
import { discard, type Effects, request } from "./request.ts";

/** Milliseconds: a push service is heard every 15 seconds, so after three times that the connection is dead. */
const SILENCE = 45_000;

/** `open` comes first. */
export type OpenedItem = StreamItem | { kind: "open" };

type Asked = { subscription: string; urgency: Urgency; lastEventId?: string; signal: AbortSignal };

/** Opens it, and reads it as far as it is asked for. Throws `refused`, `gone`, `unavailable` or `malformed`. */
export async function* openStream(effects: Effects, asked: Asked): AsyncGenerator<OpenedItem> {
  const cut = new AbortController(), abort = () => cut.abort();
  asked.signal.addEventListener("abort", abort);
  try {
    yield* readBody(effects, await connect(effects, asked, cut), cut);
  } finally {
    asked.signal.removeEventListener("abort", abort);
    // Whatever is left of it is not wanted.
    abort();
  }
}

async function* readBody(
  { pace }: Effects,
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  cut: AbortController,
): AsyncGenerator<OpenedItem> {
  const reader = body.getReader(), leave = () => reader.cancel().catch(() => {});
  // Deno 2.9 forgets the signal of a fetch that has answered, once the garbage was collected.
  cut.signal.addEventListener("abort", leave);
  async function read() {
    const part = cut.signal.aborted
      ? undefined
      : await inTime(pace, SILENCE, () => cut.abort(), reader.read()).catch(none);
    if (part && !cut.signal.aborted) return part;
    throw new ReceiverError("unavailable", "the stream broke off");
  }
  try {
    yield { kind: "open" };
    yield* readEvents(read);
  } finally {
    await leave();
  }
}

const none = () => undefined;

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
