/**
 * The light server: `node:http`, where a stream is a bare socket. A stream's body lasts until the connection is closed,
 * so nothing frames each write, and an idle stream costs a quarter of one under `Deno.serve`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { OpenStream, Sink } from "../broker/sink.ts";
import type { StreamEnv } from "../doors/stream.ts";

export type Handler = (request: Request, env: StreamEnv) => Response | Promise<Response>;

/** `close` takes no more connections and resolves when the last one has ended; `abort` ends those that are left. */
export type Listening = { port: number; close: () => Promise<void>; abort: () => void };

/** A token with a hundred grants is longer than Node's 16 KB. */
const MAX_HEADER_BYTES = 64 * 1024;

/** Listens; `start` is given the port that was got and answers the handler. */
export async function serveNode(host: string, port: number, start: (port: number) => Handler): Promise<Listening> {
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject).listen(port, host, 4096, resolve);
  await promise;
  const got = (server.address() as AddressInfo).port;
  const handler = start(got);
  server.on(
    "request",
    getRequestListener((request, env) => handle(handler, request, env.outgoing as ServerResponse), {
      overrideGlobalObjects: false,
    }),
  );
  return { port: got, close: () => close(server), abort: () => server.closeAllConnections() };
}

function close(server: ReturnType<typeof createServer>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  server.closeIdleConnections();
  return promise;
}

async function handle(handler: Handler, request: Request, outgoing: ServerResponse): Promise<Response> {
  const env: StreamEnv = {};
  const response = await handler(request, env);
  if (!env.open) return response;
  startStream(outgoing, response, env.open);
  return RESPONSE_ALREADY_SENT;
}

function startStream(outgoing: ServerResponse, response: Response, open: OpenStream): void {
  // A pipelined request gets its socket when the answers before it are out.
  if (outgoing.socket) attach(outgoing.socket, outgoing, response, open);
  else outgoing.once("socket", (socket: Socket) => attach(socket, outgoing, response, open));
}

function attach(socket: Socket, outgoing: ServerResponse, response: Response, open: OpenStream): void {
  socket.setTimeout(0);
  socket.write(headOf(response), "latin1");
  const gone = open(socketSink(socket));
  socket.once("close", gone);
  // A client that half-closes has gone: it could never ask again.
  socket.once("end", () => socket.destroy());
  (outgoing.req as IncomingMessage).resume();
}

/** A body without a length lasts until the connection closes (RFC 9112 6.3). Written by hand: Deno's own head is UTF-8. */
function headOf(response: Response): string {
  const headers = [...response.headers, ["date", new Date().toUTCString()], ["connection", "close"]];
  return `HTTP/1.1 ${response.status} OK\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
}

function socketSink(socket: Socket): Sink {
  return {
    write: (chunk) => void socket.write(chunk),
    end: () => void socket.end(),
    destroy: () => void socket.resetAndDestroy(),
    get queued() {
      return socket.writableLength;
    },
  };
}
