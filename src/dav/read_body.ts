/** A whole body, which somebody has bounded. */
import { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { CarillonError } from "../errors.ts";

/**
 * Rejects with `bad_request` when the client has gone, or had before. By events: an iterator of a stream costs as much as
 * the rest of a small request.
 */
export function readBody(incoming: IncomingMessage): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const chunks: Uint8Array[] = [];
  incoming.on("data", (chunk: Uint8Array) => void chunks.push(chunk));
  incoming.once("end", () => resolve(Buffer.concat(chunks)));
  const gone = () => incoming.readableEnded || reject(cutOff());
  incoming.once("error", gone);
  incoming.once("close", gone);
  if (incoming.destroyed) gone();
  return promise;
}

/** Nobody is there to hear of it, and nothing of ours is broken. */
export function cutOff(): CarillonError {
  return new CarillonError("bad_request", "the body was not read: the client has gone before its end");
}
