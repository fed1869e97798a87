/** HTTP over a bare connection: what no client library would send, and what comes back byte by byte. */

/** Milliseconds. An answer that is not there by then does not come. */
const DEADLINE = 5_000;

export type RawAnswer = { status: number; headers: Headers; body: string; closed: boolean };

/** Sends `parts` one after the other and reads one answer, or until the server closes. Status 0: no answer. */
export async function rawRequest(url: string, ...parts: (string | Uint8Array<ArrayBuffer>)[]): Promise<RawAnswer> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(url).port) });
  const timer = setTimeout(() => connection.close(), DEADLINE);
  try {
    const [answer] = await Promise.all([readAnswer(connection), send(connection, parts)]);
    return answer;
  } finally {
    clearTimeout(timer);
    closeQuietly(connection);
  }
}

/** A server that has answered may close before it has read everything. */
async function send(connection: Deno.Conn, parts: (string | Uint8Array<ArrayBuffer>)[]): Promise<void> {
  try {
    for (const part of parts) {
      const bytes = typeof part === "string" ? new TextEncoder().encode(part) : part;
      for (let sent = 0; sent < bytes.byteLength;) sent += await connection.write(bytes.subarray(sent));
    }
  } catch {
    // The answer says why.
  }
}

async function readAnswer(connection: Deno.Conn): Promise<RawAnswer> {
  let text = "", closed = false;
  const buffer = new Uint8Array(64 * 1024);
  while (!closed && !isWhole(text)) {
    const read = await connection.read(buffer).catch(() => null);
    closed = read === null;
    if (read !== null) text += new TextDecoder("latin1").decode(buffer.subarray(0, read));
  }
  const answer = parse(text);
  return { ...answer, closed: closed || answer.headers.get("connection") === "close" && await endsWithin(connection) };
}

function parse(text: string): { status: number; headers: Headers; body: string } {
  const [head = "", ...rest] = text.split("\r\n\r\n");
  const [line = "", ...fields] = head.split("\r\n");
  const headers = new Headers(fields.map((field) => field.split(/:\s*/, 2) as [string, string]));
  return { status: Number(line.split(" ")[1] ?? 0), headers, body: rest.join("\r\n\r\n") };
}

function isWhole(text: string): boolean {
  if (!text.includes("\r\n\r\n")) return false;
  const { headers, body } = parse(text);
  if (headers.has("content-length")) return body.length >= Number(headers.get("content-length"));
  return headers.get("transfer-encoding") === "chunked" ? body.endsWith("0\r\n\r\n") : false;
}

/** True when the server, which said that it would, closes. */
async function endsWithin(connection: Deno.Conn): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(() => resolve(false), 250);
  const read = connection.read(new Uint8Array(1)).then((count) => count === null, () => true);
  const ended = await Promise.race([read, promise]);
  clearTimeout(timer);
  closeQuietly(connection);
  await read;
  return ended;
}

function closeQuietly(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It was closed before.
  }
}
