/** What is still coming of a body that is answered without being read, since it is too large. */
import type { ServerResponse } from "node:http";

/** Bytes that are read and thrown away, and milliseconds: after that the connection is closed, whatever comes. */
const MAX_REST = 1024 * 1024, REST_WITHIN = 1_000;

/**
 * Closes the connection of an answer a little later. What is closed while something comes is reset, and a proxy that is
 * still sending then may never see the answer (RFC 9112 9.6). To be called before the answer is ended.
 */
export function discardRest(outgoing: ServerResponse): void {
  const { req: incoming } = outgoing, { socket } = incoming;
  if (incoming.complete || socket.destroyed) return;
  let left = MAX_REST;
  const timer = setTimeout(() => socket.destroy(), REST_WITHIN);
  socket.once("close", () => clearTimeout(timer));
  // node:http calls it when an answer that closes the connection is out: our side is closed then, and theirs is read on.
  socket.destroySoon = () => void socket.end();
  incoming.on("data", ({ byteLength }: Uint8Array) => (left -= byteLength) < 0 && incoming.pause());
  incoming.once("end", () => socket.destroy());
}
