/** A whole body, which somebody has bounded. */
import { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";

/** Rejects when the client has gone. By events: an iterator of a stream costs as much as the rest of a small request. */
export function readBody(incoming: IncomingMessage): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const chunks: Uint8Array[] = [];
  incoming.on("data", (chunk: Uint8Array) => void chunks.push(chunk));
  incoming.once("end", () => resolve(Buffer.concat(chunks)));
  incoming.once("error", reject);
  incoming.once("close", () => incoming.readableEnded || reject(new Error("the client has gone")));
  return promise;
}
