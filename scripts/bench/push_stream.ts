/** Reads a subscription's messages by a raw socket, and acknowledges each, as a receiver does. */
import { openKeepAlive, printRequest, writeWhole } from "./keep_alive.ts";

const decoder = new TextDecoder();

export type PushStream = Awaited<ReturnType<typeof readPushes>>;

/** Resolves when the stream is open; `read` is told of each message's topic as soon as it is read. */
export async function readPushes(port: number, path: string, read: (topic: string) => void) {
  const stream = await Deno.connect({ hostname: "127.0.0.1", port }), acknowledging = await openKeepAlive(port);
  const buffer = new Uint8Array(64 * 1024);
  let rest = "", acknowledged = Promise.resolve(), failure: unknown;
  await writeWhole(stream, printRequest("GET", path, { Accept: "text/event-stream" }));
  await readHead();
  const ended = readAll().catch((thrown) => failure = thrown);

  async function readHead(): Promise<void> {
    while (!rest.includes("\r\n\r\n")) {
      const count = await stream.read(buffer);
      if (count === null) throw new Error(`a stream was refused: ${rest.slice(0, 300)}`);
      rest += decoder.decode(buffer.subarray(0, count), { stream: true });
    }
    if (!rest.startsWith("HTTP/1.1 200 ")) throw new Error(`a stream was refused: ${rest.slice(0, 300)}`);
  }

  async function readAll(): Promise<void> {
    for (let count = await next(); count !== null; count = await next()) {
      take(decoder.decode(buffer.subarray(0, count), { stream: true }));
    }
  }

  /** Null at the end, or when it was closed. */
  function next(): Promise<number | null> {
    return stream.read(buffer).catch(() => null);
  }

  function take(text: string): void {
    rest += text;
    const whole = rest.slice(0, rest.lastIndexOf("\n") + 1);
    rest = rest.slice(whole.length);
    for (const [, message, topic] of whole.matchAll(/^data: \{"message":"([^"]*)".*?"topic":"([^"]*)"/gm)) {
      read(topic!);
      acknowledged = acknowledged.then(() => acknowledge(new URL(message!).pathname));
    }
  }

  /** A message may be over already: 404. */
  async function acknowledge(path: string): Promise<void> {
    await acknowledging.exchange(printRequest("DELETE", path));
  }

  return {
    /** Resolves when all that was read is acknowledged. */
    async close(): Promise<void> {
      stream.close();
      await ended;
      await acknowledged;
      acknowledging.close();
      if (failure) throw failure;
    },
  };
}
