/** A connection to one origin, whatever version of HTTP it speaks. */
import { Buffer } from "node:buffer";

/** `reads`: the answer's body is wanted. */
export type Request = { path: string; headers: Record<string, string>; body: Uint8Array; reads?: boolean };

/** All that anybody needs of an answer; `retryAfter` and `ttl` are the fields as they came. */
export type Answer = { status: number; retryAfter?: string; ttl?: string; body?: string };

/** `onHead` is called when the status is known and the body may still come. */
export type Wait = { signal: AbortSignal; onHead: () => void };

export type Connection = {
  /** Posts once, following nothing. Rejects when no answer came, or the signal aborted before it did; `Unprocessed`. */
  post: (request: Request, wait: Wait) => Promise<Answer>;
  /** False when the next request needs a new one. */
  isUsable: () => boolean;
  /** Ends it with whatever is on its way. */
  close: () => Promise<void>;
};

/** The server did not look at a request: it may be sent again at once. */
export class Unprocessed extends Error {}

/** Bytes of an answer's body that are read, so that a connection can be used again; a longer one is cut off. */
const MAX_ANSWER = 16 * 1024;

/** Counts a body, keeps what is wanted of it, and calls `cut` once it is too long. */
export function createBody(reads: boolean | undefined, cut: () => void) {
  const chunks: Uint8Array[] = [];
  let read = 0;
  return {
    add(chunk: Uint8Array): void {
      read += chunk.byteLength;
      if (read > MAX_ANSWER) return cut();
      if (reads) chunks.push(chunk);
    },
    /** What has come, for who wants it: UTF-8, with U+FFFD for what is not. */
    read: (): { body?: string } => reads ? { body: new TextDecoder().decode(Buffer.concat(chunks)) } : {},
  };
}
