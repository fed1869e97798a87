/** Follows an event stream by a raw socket; where the worker ends it, resumes after the last event id. */
import { createEventCounter } from "./event_counter.ts";
import { printRequest, writeWhole } from "./keep_alive.ts";

const HUB_PATH = "/.well-known/mercure";
const BUFFER = 64 * 1024;

export type Following = Awaited<ReturnType<typeof followStream>>;

type Options = {
  token: string;
  match?: string;
  /** Where to begin; live when it is not given. */
  lastEventId?: string;
  /** Is shown all bytes as they come, the head among them. */
  onBytes?: (bytes: Uint8Array) => void;
};

/** Resolves when the stream is open. */
export async function followStream(port: number, { token, match = "*", lastEventId, onBytes }: Options) {
  const counter = createEventCounter();
  const buffer = new Uint8Array(BUFFER);
  let connection = await open(lastEventId);
  let resumed = 0, stopped = false, failure: unknown;
  const ended = read().catch((thrown) => failure = thrown);

  async function open(after: string | undefined): Promise<Deno.TcpConn> {
    const opened = await Deno.connect({ hostname: "127.0.0.1", port });
    const cursor: Record<string, string> = after === undefined ? {} : { "Last-Event-ID": after };
    const path = `${HUB_PATH}?match=${encodeURIComponent(match)}`;
    await writeWhole(opened, printRequest("GET", path, { Authorization: `Bearer ${token}`, ...cursor }));
    takeHead(new Uint8Array(buffer.subarray(0, await opened.read(buffer) ?? 0)));
    return opened;
  }

  function takeHead(bytes: Uint8Array): void {
    const text = new TextDecoder().decode(bytes);
    const end = text.indexOf("\r\n\r\n") + 4;
    if (!text.startsWith("HTTP/1.1 200 ") || end < 4) throw new Error(`a stream was refused: ${text.slice(0, 300)}`);
    counter.take(bytes.subarray(end));
  }

  async function read(): Promise<void> {
    while (!stopped) {
      const count = await connection.read(buffer).catch(() => null);
      if (count === null) await resume();
      else take(buffer.subarray(0, count));
    }
  }

  function take(bytes: Uint8Array): void {
    onBytes?.(bytes);
    counter.take(bytes);
  }

  async function resume(): Promise<void> {
    if (stopped) return;
    connection.close();
    counter.reset();
    connection = await open(counter.lastId);
    resumed++;
  }

  return {
    get events(): number {
      return counter.events;
    },
    get lastId(): string | undefined {
      return counter.lastId;
    },
    /** How often the worker ended the stream and it was resumed. */
    get resumed(): number {
      return resumed;
    },
    /** Closes the stream. Throws what broke it, if anything did. */
    async close(): Promise<void> {
      stopped = true;
      connection.close();
      await ended;
      if (failure) throw failure;
    },
  };
}
