/** A connection that speaks HTTP/2 (RFC 9113): many requests at once. */
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from "node:http2";
import type { TLSSocket } from "node:tls";
import { type Answer, type Connection, createBody, type Request, Unprocessed, type Wait } from "./connection.ts";

/** Informational answers (RFC 9110 15.2) before the one that counts. */
const MAX_INFORMATIONAL = 10;

/**
 * Takes over a socket that has agreed on `h2`. Resolves when the server has said how many requests it takes at once: of
 * a burst before that it would refuse some.
 */
export async function openHttp2({ origin, host }: URL, socket: TLSSocket, signal: AbortSignal): Promise<Connection> {
  const session = connect(origin, { createConnection: () => socket, settings: { enablePush: false } });
  const closed = new Promise<void>((resolve) => session.once("close", resolve));
  let isLeaving = false;
  session.on("goaway", () => void (isLeaving = true));
  // Each request hears of it by its own stream.
  session.on("error", () => {});
  await settled(session, signal);
  return {
    post: async (request, wait) => await exchange(begin(session, host, request), request, wait),
    isUsable: () => !isLeaving && !session.closed && !session.destroyed,
    close: async () => {
      // Without a GOAWAY, which would tell of pushed streams alone (RFC 9113 6.8): Deno 2.9.6 as a server dies of it.
      socket.destroy();
      session.destroy();
      await closed;
    },
  };
}

function settled(session: ClientHttp2Session, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const giveUp = () => (session.destroy(), reject(new Error("aborted")));
  session.once("remoteSettings", () => resolve());
  session.once("close", () => reject(new Error("the connection ended before it began")));
  signal.addEventListener("abort", giveUp, { once: true });
  return promise.finally(() => signal.removeEventListener("abort", giveUp));
}

function begin(session: ClientHttp2Session, host: string, { path, headers }: Request): ClientHttp2Stream {
  try {
    return session.request({ ":method": "POST", ":authority": host, ":path": path, ...headers });
  } catch {
    // The session is about to close.
    throw new Unprocessed();
  }
}

/** Whatever happens to a stream, `close` comes last: then there was an answer, or there is none. */
function exchange(stream: ClientHttp2Stream, { body, reads }: Request, { signal, onHead }: Wait): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  let answer: Answer | undefined;
  const settle = () => answer ? resolve({ ...answer, ...answered.read() }) : reject(faultOf(stream));
  // Of one that the server has not let begin yet, Deno 2.9 would never say that it is closed.
  const cancel = () => (stream.close(constants.NGHTTP2_CANCEL), settle());
  const answered = createBody(reads, cancel);
  stream.once("response", (headers) => (answer = readAnswer(headers), onHead()));
  stream.on("headers", countInformational(cancel));
  stream.on("data", answered.add);
  stream.on("error", () => {});
  stream.once("close", settle);
  signal.addEventListener("abort", cancel, { once: true });
  stream.end(body);
  return promise.finally(() => signal.removeEventListener("abort", cancel));
}

/** RFC 9113 8.7: what was refused, or lies beyond the last stream of a GOAWAY, was not looked at. */
function faultOf({ rstCode }: ClientHttp2Stream): Error {
  if (rstCode === constants.NGHTTP2_REFUSED_STREAM) return new Unprocessed();
  return new Error("the stream ended without an answer");
}

function readAnswer(
  { ":status": status, "retry-after": retryAfter, ttl }: IncomingHttpHeaders & { ":status"?: number; ttl?: string },
): Answer {
  return { status: Number(status), retryAfter, ttl };
}

/** Counts informational answers, and calls `cut` once there are too many. */
function countInformational(cut: () => void): () => void {
  let seen = 0;
  return () => void (++seen > MAX_INFORMATIONAL && cut());
}
