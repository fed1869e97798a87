/** A keep-alive connection that sends requests made ahead: cheap enough to load a worker from the same machine. */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The bytes of one request. */
export function printRequest(
  method: "GET" | "POST" | "PUT" | "DELETE",
  path: string,
  headers: Record<string, string> = {},
  body = "",
): Uint8Array {
  const length = body === "" ? {} : { "Content-Length": `${body.length}` };
  const lines = Object.entries({ Host: "localhost", ...headers, ...length }).map(([name, value]) =>
    `${name}: ${value}`
  );
  return encoder.encode([`${method} ${path} HTTP/1.1`, ...lines, "", body].join("\r\n"));
}

export type KeepAlive = Awaited<ReturnType<typeof openKeepAlive>>;

/** Opens a connection for one request at a time. */
export async function openKeepAlive(port: number) {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  connection.setNoDelay(true);
  const buffer = new Uint8Array(16 * 1024);

  /** Sends a request and reads its answer. Throws when it is refused. */
  async function send(request: Uint8Array): Promise<void> {
    const answer = await exchange(request);
    if (!answer.startsWith("HTTP/1.1 2")) throw new Error(`a request was refused: ${answer}`);
  }

  /** Sends a request and answers its answer, whatever it is: head and body. */
  async function exchange(request: Uint8Array): Promise<string> {
    await writeWhole(connection, request);
    return await readAnswer();
  }

  async function readAnswer(): Promise<string> {
    for (let text = "";;) {
      const read = await connection.read(buffer);
      if (read === null) throw new Error(`the worker closed a connection: ${text}`);
      text += decoder.decode(buffer.subarray(0, read));
      if (isWhole(text)) return text;
    }
  }

  return { send, exchange, close: () => connection.close() };
}

/** Writes all of it: a socket may take less at once. */
export async function writeWhole(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) written += await connection.write(bytes.subarray(written));
}

function isWhole(text: string): boolean {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return false;
  if (/\r\ntransfer-encoding: chunked\r\n/i.test(text)) return text.endsWith("0\r\n\r\n");
  return text.length >= end + 4 + Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? 0);
}
