/** A client's request on its way to the upstream, and what can be told of it and of its answer. */
import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import type { Adapted } from "./advertise.ts";
import { type Field, flatten } from "./raw_headers.ts";

/** Methods that may be asked twice, and bytes of a body that is kept for that: a kept connection can be dead. */
const SAFE = new Set(["GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT", "SEARCH"]);
const MAX_KEPT = 64 * 1024;

/** Milliseconds that a client may go on sending what nobody reads any more, since it was answered before. */
const LINGER = 10_000;

/** A client's request on its way; `sent` is the request that it is now, `adapted` what it asks for of ours as well. */
export type Passage = { incoming: IncomingMessage; outgoing: ServerResponse; sent?: ClientRequest; adapted?: Adapted };

/** A multistatus in plain UTF-8. */
export function isReadable({ statusCode, headers }: IncomingMessage): boolean {
  const type = headers["content-type"] ?? "", coding = headers["content-encoding"] ?? "identity";
  return statusCode === 207 && coding === "identity" && /^(?:text|application)\/xml\b/i.test(type) &&
    !/charset=(?!"?utf-8)/i.test(type);
}

/** False for a status that no answer can have. */
export function writeHead(
  outgoing: ServerResponse,
  { statusCode, statusMessage }: IncomingMessage,
  fields: Field[],
): boolean {
  outgoing.sendDate = false;
  try {
    outgoing.writeHead(
      statusCode!,
      statusMessage?.replace(/[^\t\x20-\x7e\x80-\xff]/g, ""),
      flatten(alsoVary(outgoing, fields)),
    );
    return true;
  } catch {
    return false;
  }
}

/** What our own fields vary by stands beside what the DAV server's do (RFC 9110 12.5.5): `writeHead` would replace it. */
function alsoVary(outgoing: ServerResponse, fields: Field[]): Field[] {
  const ours = outgoing.getHeader("vary");
  if (ours === undefined) return fields;
  return fields.map(([name, values]) => [name, name.toLowerCase() === "vary" ? [...values, `${ours}`] : values]);
}

/** Calls once: when the answer is out, or its client has gone. What is pipelined has no connection yet that could close. */
export function whenOver({ incoming: { socket }, outgoing }: Passage, over: () => void): void {
  const end = () => {
    for (const each of [socket, outgoing]) each.off("close", end);
    over();
  };
  for (const each of [socket, outgoing]) each.on("close", end);
}

export const isGone = ({ incoming, outgoing }: Passage) => outgoing.destroyed || incoming.socket.destroyed;

/** RFC 9112 6.1: another coding would be lost on the way. */
export function isChunkedAtMost({ headers: { "transfer-encoding": coding = "chunked" } }: IncomingMessage): boolean {
  return coding.trim().toLowerCase() === "chunked";
}

/** RFC 9112 6: a body is announced by its length, or by chunks. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

export function isRepeatable({ method, headers }: IncomingMessage): boolean {
  return SAFE.has(method!) && headers["transfer-encoding"] === undefined &&
    Number(headers["content-length"] ?? 0) <= MAX_KEPT;
}

/** A client that is still sending gets to read its answer: closing at once would take it away. */
export function linger(incoming: IncomingMessage): void {
  if (incoming.complete) return;
  incoming.unpipe();
  incoming.resume();
  const timer = setTimeout(() => incoming.socket.destroy(), LINGER);
  for (const done of [incoming, incoming.socket]) done.once("close", () => clearTimeout(timer));
}
