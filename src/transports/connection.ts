/** A connection to one origin, whatever version of HTTP it speaks. */

export type Request = { path: string; headers: Record<string, string>; body: Uint8Array };

/** All that anybody needs of an answer; `retryAfter` and `ttl` are the fields as they came. */
export type Answer = { status: number; retryAfter?: string; ttl?: string };

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

/** Counts a body, and calls `cut` once it is too long. */
export function countBody(cut: () => void): (chunk: Uint8Array) => void {
  let read = 0;
  return (chunk) => {
    read += chunk.byteLength;
    if (read > MAX_ANSWER) cut();
  };
}
