/**
 * A proxy before denokv, HTTP/2 without TLS on both sides, that does to the calls of KV Connect what a test tells it to.
 * denokv names its endpoints by their path, so that they lead through the proxy as well.
 */
import { Buffer } from "node:buffer";
import {
  type ClientHttp2Session,
  connect,
  constants,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { createWaiting } from "../../scripts/lib/waiting.ts";

/**
 * `hold`: passed on when the fault is over, however late; `swallow`: neither passed on nor answered, ever; `deaf`:
 * answered once, then never again, which is a half-open watch; `drop`: done, and the connection breaks instead of an
 * answer; `cut`: done, and the stream is reset in the middle of the answer; `short`: done, and half of the answer is sent
 * as if it were all; a status: refused with it; `delay`: passed on after so many milliseconds, of which a part is drawn.
 */
export type Fault = "hold" | "swallow" | "deaf" | "drop" | "cut" | "short" | { status: number } | { delay: number };

/** A call of the data path, or the exchange that comes before all. */
export type Call = "metadata" | "snapshot_read" | "atomic_write" | "watch";

type Answer = { headers: Record<string, string | number>; body: Uint8Array };

export type FaultProxy = Awaited<ReturnType<typeof openFaultProxy>>;

/** Starts one before the server at this address; it does nothing wrong until it is told to. */
export async function openFaultProxy(target: string) {
  const sessions = new Set<ServerHttp2Session>();
  const seen: Record<Call, number> = { metadata: 0, snapshot_read: 0, atomic_write: 0, watch: 0 };
  const faults = new Map<Call, () => Fault | undefined>();
  const waiting = createWaiting(() => JSON.stringify(seen));
  let over = Promise.withResolvers<void>();
  let upstream: ClientHttp2Session | undefined;
  const server = createServer();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => {}).on("close", () => sessions.delete(session));
  });
  server.on("stream", (stream, headers) => {
    stream.on("error", () => {});
    handle(stream, headers).catch(() => reset(stream));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  async function handle(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    const body = Buffer.concat(await Array.fromAsync(stream as AsyncIterable<Buffer>));
    const call = (headers[":path"] as string).split("/").at(-1) as Call | "" || "metadata";
    seen[call]++;
    waiting.notify();
    const fault = faults.get(call)?.();
    if (fault === "swallow") return;
    if (fault === "hold") await over.promise;
    if (typeof fault === "object" && "delay" in fault) await pause(fault.delay * Math.random());
    if (typeof fault === "object" && "status" in fault) return refuse(stream, fault.status);
    if (call === "watch") return passOnWatch(stream, headers, body);
    spoil(stream, await ask(headers, body), fault);
  }

  /** What denokv answers. */
  async function ask(headers: IncomingHttpHeaders, body: Uint8Array): Promise<Answer> {
    const request = requestUpstream(headers, body);
    const answered = Promise.withResolvers<Answer["headers"]>();
    request.on("error", answered.reject);
    request.on("response", (headers) => answered.resolve(withoutHopByHop(headers)));
    return { headers: await answered.promise, body: Buffer.concat(await Array.fromAsync(request)) };
  }

  function requestUpstream(headers: IncomingHttpHeaders, body: Uint8Array) {
    if (!upstream || upstream.closed || upstream.destroyed) upstream = connect(target).on("error", () => {});
    const request = upstream.request(withoutHopByHop(headers) as IncomingHttpHeaders);
    request.end(body);
    return request;
  }

  /** The first thing that a watch hears is what is there already: a deaf one hears no more than that. */
  function passOnWatch(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, body: Uint8Array): void {
    const request = requestUpstream(headers, body);
    let isDeaf = false;
    request.on("error", () => reset(stream)).on("end", () => isDeaf || stream.end());
    request.on("response", (headers) => isOpen(stream) && stream.respond(withoutHopByHop(headers)));
    request.on("data", (chunk: Uint8Array) => {
      if (!isDeaf && !stream.destroyed) stream.write(chunk);
      isDeaf ||= faults.get("watch")?.() === "deaf";
    });
    stream.on("close", () => request.close(constants.NGHTTP2_CANCEL));
  }

  function spoil(stream: ServerHttp2Stream, { headers, body }: Answer, fault: Fault | undefined): void {
    if (!isOpen(stream)) return;
    if (fault === "drop") return stream.session!.destroy();
    const half = fault === "cut" || fault === "short";
    // The length that it says is left to the bytes that come: otherwise any client would see that some are missing.
    if (half) delete headers["content-length"];
    stream.respond(headers);
    if (fault === "cut") return void stream.write(body.subarray(0, body.byteLength / 2), () => reset(stream));
    stream.end(half ? body.subarray(0, body.byteLength / 2) : body);
  }

  /** Does this to calls from now on, or what is drawn for each: to those of these kinds, or all. */
  function fail(fault: Fault | (() => Fault | undefined), ...calls: Call[]): void {
    const all = Object.keys(seen) as Call[];
    const draw = typeof fault === "function" ? fault : () => fault;
    for (const call of calls.length > 0 ? calls : all) faults.set(call, draw);
  }

  /** Nothing goes wrong any more; what was held goes on its way. */
  function recover(): void {
    faults.clear();
    over.resolve();
    over = Promise.withResolvers();
  }

  /** Breaks every connection, so that watches begin anew. */
  function disconnect(): void {
    for (const session of sessions) session.destroy();
  }

  async function end(): Promise<void> {
    recover();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    disconnect();
    upstream?.destroy();
    await closed;
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** How many calls of each kind have come. */
    seen,
    fail,
    recover,
    disconnect,
    until: waiting.until,
    [Symbol.asyncDispose]: end,
  };
}

const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

const isOpen = (stream: ServerHttp2Stream) => !stream.destroyed && !stream.closed && !stream.headersSent;

function reset(stream: ServerHttp2Stream): void {
  if (!stream.destroyed) stream.close(constants.NGHTTP2_INTERNAL_ERROR);
}

function refuse(stream: ServerHttp2Stream, status: number): void {
  if (!isOpen(stream)) return;
  stream.respond({ ":status": status, "content-type": "text/plain" });
  stream.end("a fault of the tests");
}

/** Header fields of one connection (RFC 9113 8.2.2), and of the address that was asked. */
function withoutHopByHop(headers: IncomingHttpHeaders): Record<string, string | number> {
  const local = [":authority", ":scheme", "host", "connection", "keep-alive", "transfer-encoding"];
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !local.includes(name)),
  ) as Record<string, string | number>;
}
