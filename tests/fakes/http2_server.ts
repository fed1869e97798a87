/** A server of a vendor: HTTP/2 over TLS, which answers what `answer` says, or what it is told to instead. */
import { Buffer } from "node:buffer";
import {
  createSecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type Http2Session,
  type IncomingHttpHeaders,
} from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import type { Certificates } from "../../scripts/lib/certificates.ts";
import { createWaiting } from "../../scripts/lib/waiting.ts";
import { type Behaviour, misbehave } from "../helpers/push_misbehaviour.ts";

/** A request as it came. */
export type Incoming = {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  /** Names and values, one after the other. */
  rawHeaders: string[];
  body: Uint8Array;
  /** Allows so many requests of its connection at once from now on. */
  widen: (streams: number) => void;
};

/** What a vendor answers; `body` becomes JSON. */
export type Answer = { status: number; headers?: Record<string, string>; body?: unknown };

type Options = {
  certificates: Certificates;
  /** Called for each request, also for one that is answered otherwise. */
  answer: (incoming: Incoming) => Answer;
  /** Requests of one connection that are allowed at once. */
  streams?: number;
};

export type Http2Server = Awaited<ReturnType<typeof openHttp2Server>>;

/** Starts one on a free port of this machine; `await using` stops it. */
export async function openHttp2Server({ certificates: { ca, cert, key }, answer, streams = 1000 }: Options) {
  const requests: Incoming[] = [];
  const sockets = new Set<Socket>(), widened = new WeakSet<Http2Session>();
  const load = { inFlight: 0, most: 0, connections: 0 };
  let rules: { behaviour: Behaviour; under: string; times: number }[] = [];
  const server = createSecureServer({ cert, key, settings: { maxConcurrentStreams: streams } });
  const waiting = createWaiting(() => `${requests.length} requests, ${JSON.stringify(load)}`);
  server.on("secureConnection", (socket: Socket) => {
    load.connections++;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => void sockets.delete(socket));
  });
  server.on("sessionError", () => {});
  server.on("request", (request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;

  async function handle(request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> {
    load.most = Math.max(load.most, ++load.inFlight);
    response.on("error", () => {});
    response.once("close", () => void (load.inFlight--, waiting.notify()));
    const body = await readBody(request);
    if (!body || response.destroyed) return;
    const { method, url: path, headers, rawHeaders } = request;
    const widen = (streams: number) => allow(request.stream.session, streams);
    const incoming = { method, path, headers, rawHeaders, body, widen };
    requests.push(incoming);
    const usual = toBehaviour(answer(incoming));
    misbehave(behaviourFor(path) ?? usual, response, socketOf(request));
    waiting.notify();
  }

  /** Once a connection: a client may be told so only so often. */
  function allow(session: Http2Session | undefined, maxConcurrentStreams: number): void {
    if (!session || widened.has(session)) return;
    widened.add(session);
    session.settings({ maxConcurrentStreams });
  }

  /** HTTP/2 lends its socket to nobody. */
  function socketOf({ socket: { remotePort } }: Http2ServerRequest): Socket {
    return [...sockets].find((socket) => socket.remotePort === remotePort)!;
  }

  function behaviourFor(path: string): Behaviour | undefined {
    const rule = rules.find(({ times, under }) => times > 0 && path.startsWith(under));
    if (rule) rule.times--;
    return rule?.behaviour;
  }

  /** Refuses connections, and breaks those that are open. */
  async function stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
  }

  return {
    origin: `https://127.0.0.1:${port}`,
    ca,
    requests,
    load,
    /** Answers the next requests so, those to paths that begin with `under`. Rules that were made first come first. */
    behave: (behaviour: Behaviour, { under = "/", times = Infinity } = {}) =>
      void rules.push({ behaviour, under, times }),
    recover: () => void (rules = []),
    until: waiting.until,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

export function toBehaviour({ status, headers = {}, body }: Answer): Behaviour {
  if (body === undefined) return { status, headers };
  return { status, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) };
}

async function readBody(request: Http2ServerRequest): Promise<Uint8Array | undefined> {
  try {
    return Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>));
  } catch {
    return undefined;
  }
}
