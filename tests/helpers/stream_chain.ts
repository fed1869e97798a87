/** A listener that resumes: a chain of event streams at any worker, each begun where the one before ended. */
import { readItems, type StreamItem } from "../../scripts/lib/event_items.ts";
import type { LocalIssuer } from "../../src/store/keys.ts";
import { accessToken } from "./worker.ts";

/** Workers that share an issuer; `any` answers one that lives. */
export type Cell = { local: LocalIssuer; any: () => { url: string; hub: string } };

/** Milliseconds until it connects again. */
const AGAIN = 50;

export type StreamChain = ReturnType<typeof createStreamChain>;

/** It is told everything from the beginning; `changed` is called whenever it was told something. */
export function createStreamChain({ local, any }: Cell, changed: () => void) {
  let lastId = "earliest";
  /** The sync-tokens that it was told, in order; and events of a type that no change has. */
  const tokens: string[] = [], strange: string[] = [], heard = new Set<string>();

  /** Listens until the signal aborts. */
  async function run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await readOne(signal).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
    }
  }

  async function readOne(signal: AbortSignal): Promise<void> {
    const { url, hub } = any();
    const authorization = `Bearer ${await accessToken({ url, local }, { subscribe: ["*"] })}`;
    const response = await fetch(`${hub}?match=*`, { headers: { authorization, "last-event-id": lastId } });
    if (response.status !== 200) return await response.body?.cancel();
    for await (const item of readItems(readUntil(signal, response.body!), () => {})) take(item);
  }

  function take(item: StreamItem): void {
    if (item.kind === "id") lastId = item.id;
    if (item.kind !== "event") return;
    if (item.type !== "message") return void strange.push(item.type);
    const token = JSON.parse(item.data)["sync-token"];
    tokens.push(token);
    heard.add(token);
    changed();
  }

  return { tokens, strange, heard, run };
}

/** Ends with the signal. (Where one signal is given to many calls of `fetch`, it does not reach all, in Deno 2.9.6.) */
function readUntil(signal: AbortSignal, body: ReadableStream<Uint8Array<ArrayBuffer>>) {
  const reader = body.getReader();
  const leave = () => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", leave, { once: true });
  if (signal.aborted) leave();
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const { value, done } = await reader.read();
      done ? controller.close() : controller.enqueue(value);
    },
  });
}
