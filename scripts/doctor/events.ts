/** An event stream of the topic, read as it comes. */
import { HUB_PATH } from "../../src/app.ts";
import type { Deployment } from "./deployment.ts";
import { refused } from "./refusal.ts";
import { fail, type Verdict } from "./verdict.ts";

export type Events = {
  /** Reads on until the text, from here on, holds it. */
  until: (wanted: string, milliseconds: number) => Promise<"seen" | "late" | "ended">;
  close: () => Promise<void>;
};

/** Milliseconds: every event and every first byte is much sooner where nothing holds it back. */
export const SOON = 5_000;

/** An answer that is no stream is answered as it is. */
export async function openEvents({ request, topic, credential }: Deployment): Promise<Events | Response> {
  // One signal would end the whole stream: it is closed by its reader.
  const signal = new AbortController(), timer = setTimeout(() => signal.abort(), SOON);
  const headers = { accept: "text/event-stream", authorization: `Bearer ${credential!.token}` };
  try {
    const query = new URLSearchParams({ match: topic });
    const response = await request(`${HUB_PATH}?${query}`, { headers, signal: signal.signal });
    return response.ok && response.body ? readEvents(response.body) : response;
  } finally {
    clearTimeout(timer);
  }
}

function readEvents(body: ReadableStream<Uint8Array<ArrayBuffer>>): Events {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "", pending: ReturnType<typeof reader.read> | undefined;

  async function until(wanted: string, milliseconds: number): Promise<"seen" | "late" | "ended"> {
    const from = text.length, late = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => late.resolve(undefined), milliseconds);
    try {
      while (true) {
        const read = await Promise.race([pending ??= reader.read().catch(end), late.promise]);
        if (!read) return "late";
        if (read.done) return "ended";
        [pending, text] = [undefined, text + read.value];
        if (text.includes(wanted, from)) return "seen";
      }
    } finally {
      clearTimeout(timer);
    }
  }

  return { until, close: () => reader.cancel().catch(() => {}) };
}

const end = (): { done: true; value: undefined } => ({ done: true, value: undefined });

const BUFFERS =
  "Switch buffers and compression of event streams off in the proxy: proxy_buffering off and gzip off, flush_interval -1.";

/** Nothing came for too long: what stands between keeps it back. */
export const heldBack = (measured: string): Verdict => fail(measured, BUFFERS);

/** Opens a stream, with the credential, and hears its first bytes, which are sent at once; closes it in the end. */
export async function withEvents(
  deployment: Deployment,
  use: (events: Events) => Promise<Verdict> | Verdict,
): Promise<Verdict> {
  const events = await openEvents(deployment).catch(() => undefined);
  if (events instanceof Response) return await refused("the event stream", events);
  if (!events) return heldBack(`the event stream did not begin within ${SOON} ms`);
  try {
    const first = await events.until("", SOON);
    return first === "seen" ? await use(events) : heldBack(`no byte of the event stream came within ${SOON} ms`);
  } finally {
    await events.close();
  }
}
