/** An upstream of bare connections: it keeps every byte that it is sent, and answers whatever a test wants. */
/** What one connection is doing; `request` are the bytes of the request that is read. */
export type Exchange = {
  request: string;
  write: (text: string) => Promise<void>;
  close: () => void;
  closed: Promise<void>;
};

/** Called once for each request: when its head is there (`early`), or all of it. */
export type Script = (exchange: Exchange) => Promise<void> | void;

/** A character a byte: a decoder of "latin1" reads Windows-1252. */
export const fromBytes = (bytes: Uint8Array) => Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
export const toBytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

export function serveRaw(script: Script, { early = false } = {}) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const requests: string[] = [], connections = new Set<Deno.Conn>();
  let count = 0;
  const serving = accept();

  async function accept(): Promise<void> {
    const running: Promise<void>[] = [];
    for await (const connection of listener) {
      count++;
      connections.add(connection);
      running.push(talk(connection).catch(() => {}).finally(() => end(connection)));
    }
    await Promise.all(running);
  }

  async function talk(connection: Deno.Conn): Promise<void> {
    const over = Promise.withResolvers<void>();
    let bytes = "", isAnswered = false;
    const exchange: Exchange = {
      request: "",
      write: async (text) => void await writeAll(connection, toBytes(text)),
      close: () => end(connection),
      closed: over.promise,
    };
    for await (const chunk of connection.readable) {
      bytes += fromBytes(chunk);
      const length = early ? headLength(bytes) : wholeLength(bytes);
      if (isAnswered && early) exchange.request = bytes;
      if (length === undefined || isAnswered && early) continue;
      isAnswered = true;
      requests.push(exchange.request = bytes.slice(0, length));
      if (!early) bytes = bytes.slice(length);
      await script(exchange);
    }
    over.resolve();
  }

  function end(connection: Deno.Conn): void {
    if (!connections.delete(connection)) return;
    try {
      connection.close();
    } catch {
      // It was closed by the other side.
    }
  }

  return {
    url: new URL(`http://127.0.0.1:${listener.addr.port}`),
    /** The bytes of each request, as far as they had come when it was answered. */
    requests,
    /** Connections so far. */
    connections: () => count,
    [Symbol.asyncDispose]: async () => {
      listener.close();
      for (const connection of [...connections]) end(connection);
      await serving;
    },
  };
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.byteLength;) sent += await connection.write(bytes.subarray(sent));
}

function headLength(bytes: string): number | undefined {
  const end = bytes.indexOf("\r\n\r\n");
  return end < 0 ? undefined : end + 4;
}

/** Where the first request ends, once all of it is there. */
function wholeLength(bytes: string): number | undefined {
  const head = headLength(bytes);
  if (head === undefined) return undefined;
  const fields = bytes.slice(0, head);
  if (/\r\ntransfer-encoding: chunked\r\n/i.test(fields)) {
    const end = bytes.indexOf("\r\n0\r\n\r\n", head - 2);
    return end < 0 ? undefined : end + 7;
  }
  const length = head + Number(/\r\ncontent-length: *(\d+)\r\n/i.exec(fields)?.[1] ?? 0);
  return bytes.length < length ? undefined : length;
}
