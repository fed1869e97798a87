/**
 * The light server: `node:http`, where a stream is a bare socket. A stream's body lasts until the connection is closed,
 * so nothing frames each write, and an idle stream costs a quarter of one under `Deno.serve`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { OpenStream, Sink } from "../broker/sink.ts";
import { discardRest } from "../doors/discard_rest.ts";
import type { StreamEnv } from "../doors/stream.ts";
import type { DirectWrites } from "./direct_write.ts";

export type Handler = (request: Request, env: StreamEnv) => Response | Promise<Response>;

/** Answers a request by itself when it is its own: what `Request` and `Response` would change is as it came. */
export type RawHandler = (incoming: IncomingMessage, outgoing: ServerResponse, expects: boolean) => boolean;

/** `raw` is asked first. `requestTimeout` is in milliseconds, 0: none; Node's own where it is left out. */
export type Handlers = { handle: Handler; raw?: RawHandler; requestTimeout?: number };

/** `close` takes no more connections and resolves when the last one has ended; `abort` ends those that are left. */
export type Listening = { port: number; close: () => Promise<void>; abort: () => void };

/** A token with a hundred grants is longer than Node's 16 KB. */
const MAX_HEADER_BYTES = 64 * 1024;

/** Requests of one connection that wait for their answers: as fast as they are sent they would fill the memory. */
const MAX_PIPELINED = 100;

/** Milliseconds that an ended stream's peer has to close its side. */
const CLOSE_WITHIN = 10_000;

/** Listens; `start` is given the port that was got and answers the handlers. Streams are written to by `direct`, if any. */
export async function serveNode(
  host: string,
  port: number,
  start: (port: number) => Handlers,
  direct?: DirectWrites,
): Promise<Listening> {
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject).listen(port, host, 4096, resolve);
  await promise;
  // A connection that could not be accepted ends nothing but itself.
  server.off("error", reject).on("error", () => {});
  const got = (server.address() as AddressInfo).port;
  const { handle: handler, raw, requestTimeout } = start(got), streams = new Set<Socket>();
  if (requestTimeout !== undefined) server.requestTimeout = requestTimeout;
  const answer = (request: Request, outgoing: ServerResponse) =>
    handle(handler, request, outgoing, { streams, direct });
  const listener = getRequestListener((request, env) => answer(request, env.outgoing as ServerResponse), {
    overrideGlobalObjects: false,
    // HTTP/1.0, as health checks speak it, brings no Host.
    hostname: "localhost",
  });
  const mayEnter = createPipelines();
  server.on("request", (incoming, outgoing) => {
    if (mayEnter(incoming, outgoing)) void (raw?.(incoming, outgoing, false) || listener(incoming, outgoing));
  });
  server.on("checkContinue", (incoming, outgoing) => {
    if (!mayEnter(incoming, outgoing) || raw?.(incoming, outgoing, true)) return;
    outgoing.writeContinue();
    void listener(incoming, outgoing);
  });
  return { port: got, close: () => close(server), abort };

  function abort(): void {
    server.closeAllConnections();
    for (const socket of streams) socket.destroy();
  }
}

/** Who asks for more before there were answers loses the connection, with what was read of it already. */
function createPipelines(): (incoming: IncomingMessage, outgoing: ServerResponse) => boolean {
  const waiting = new WeakMap<Socket, number>();
  return ({ socket }, outgoing) => {
    const others = waiting.get(socket) ?? 0;
    if (others >= MAX_PIPELINED) socket.destroy();
    if (socket.destroyed) return false;
    waiting.set(socket, others + 1);
    outgoing.once("close", () => waiting.set(socket, waiting.get(socket)! - 1));
    return true;
  };
}

function close(server: ReturnType<typeof createServer>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  server.closeIdleConnections();
  return promise;
}

/** `streams` are the connections that carry one. */
type Carrying = { streams: Set<Socket>; direct: DirectWrites | undefined };

async function handle(handler: Handler, request: Request, outgoing: ServerResponse, carrying: Carrying) {
  const env: StreamEnv = {}, connection = outgoing.req.socket;
  const response = await handler(request, env);
  // A stream lasts until its connection closes: nothing behind it can ever be answered.
  if (carrying.streams.has(connection)) connection.destroy();
  if (!outgoing.req.complete && response.headers.get("connection") === "close") discardRest(outgoing);
  if (!env.open) return response;
  const { open } = env, begin = (socket: Socket) => attach(socket, outgoing, response, open, carrying);
  // A pipelined request gets its socket when the answers before it are out.
  if (outgoing.socket) begin(outgoing.socket);
  else if (!connection.destroyed) outgoing.once("socket", begin);
  return RESPONSE_ALREADY_SENT;
}

function attach(
  socket: Socket,
  outgoing: ServerResponse,
  response: Response,
  open: OpenStream,
  { streams, direct }: Carrying,
): void {
  if (socket.destroyed || socket.readableEnded) return void socket.destroy();
  detach(socket, outgoing);
  streams.add(socket);
  socket.once("close", () => streams.delete(socket));
  socket.setTimeout(0);
  // In one packet with what opens the stream: who has the head has an id to come back with.
  socket.cork();
  const gone = open(direct ? directSink(socket, headOf(response), direct) : plainSink(socket, headOf(response)));
  socket.uncork();
  socket.once("close", gone);
  // A client that half-closes has gone: it could never ask again.
  socket.once("end", () => socket.destroy());
  socket.resume();
}

/** What `node:http` has for each connection. */
type Parsed = { parser?: { unconsume: () => void } | null };

/**
 * Takes a connection from the server: its parser, and the request with all of its fields, would stay as long as the stream,
 * a fifth of its memory. Where the server forgets connections in another way nothing is taken.
 */
function detach(socket: Socket & Parsed, outgoing: ServerResponse): void {
  const forget = socket.listeners("close").find(({ name }) => name === "onConnectionClose");
  if (!forget) return;
  forget();
  for (const event of ["data", "end", "drain", "timeout", "close"]) socket.removeAllListeners(event);
  socket.parser?.unconsume();
  socket.parser = null;
  outgoing.detachSocket(socket);
}

/** A body without a length lasts until the connection closes (RFC 9112 6.3). Written by hand: Deno's own head is UTF-8. */
function headOf(response: Response): string {
  const headers = [...response.headers, ["date", new Date().toUTCString()], ["connection", "close"]];
  return `HTTP/1.1 ${response.status} OK\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
}

function plainSink(socket: Socket, head: string): Sink {
  // Only of a socket that has said so: to ask each of thousands takes a thirtieth of the time of a round.
  let isFull = false;
  socket.write(head, "latin1");
  return {
    write: (chunk) => void (isFull = !socket.write(chunk)),
    ...ends(socket),
    get queued() {
      return isFull ? socket.writableLength : 0;
    },
  };
}

/** What the kernel does not take goes by Node, and what comes after it waits behind it. */
function directSink(socket: Socket, head: string, { copy, send, close }: DirectWrites): Sink {
  const copied = copy(socket);
  let waiting = 1, isFull = false;
  const written = () => void waiting--;
  socket.write(head, "latin1", written);
  socket.once("close", () => close(copied));
  return {
    write(chunk) {
      const taken = waiting === 0 ? send(copied, chunk) : 0;
      if (taken === chunk.byteLength) return;
      waiting++;
      isFull = !socket.write(taken > 0 ? chunk.subarray(taken) : chunk, written);
    },
    ...ends(socket),
    get queued() {
      return isFull ? socket.writableLength : 0;
    },
  };
}

function ends(socket: Socket): Pick<Sink, "end" | "destroy"> {
  return {
    end: () => {
      socket.end();
      // A peer that neither reads nor closes must not keep it.
      socket.setTimeout(CLOSE_WITHIN, () => socket.destroy());
    },
    destroy: () => void socket.resetAndDestroy(),
  };
}
