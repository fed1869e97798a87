/** A whole body, which somebody has bounded. */
import { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";

/** Rejects when the client has gone. */
export async function readBody(incoming: IncomingMessage): Promise<Uint8Array> {
  return Buffer.concat(await Array.fromAsync(incoming as AsyncIterable<Uint8Array>));
}
