/** How many messages a subscription holds. */
import { printRequest, writeWhole } from "./keep_alive.ts";

/** Milliseconds until those that are not there count as missed. */
const PATIENCE = 10_000;

/** Reads its stream until so many events have come. */
export async function countMessages(port: number, path: string, expected: number): Promise<number> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const decoder = new TextDecoder(), buffer = new Uint8Array(64 * 1024);
  const late = setTimeout(() => connection.close(), PATIENCE);
  await writeWhole(connection, printRequest("GET", path, { Accept: "text/event-stream" }));
  let text = "";
  while (eventsIn(text) < expected) {
    const count = await connection.read(buffer).catch(() => null);
    if (count === null) return eventsIn(text);
    text += decoder.decode(buffer.subarray(0, count), { stream: true });
  }
  clearTimeout(late);
  connection.close();
  return eventsIn(text);
}

function eventsIn(text: string): number {
  return text.match(/^data: .*\n/gm)?.length ?? 0;
}
