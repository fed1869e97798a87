/** A server of HTTP/2 frames (RFC 9113 4.1) over TLS that sends whatever a test wants, at the moment that it wants. */
import { createServer, type TLSSocket } from "node:tls";
import type { AddressInfo } from "node:net";
import { certificates } from "./certificates.ts";

export const FRAME = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  promise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
};

/** `:status: 200` and `:method: GET`, `:scheme: https`, `:path: /`, by the static table of HPACK (RFC 7541). */
export const STATUS_200 = Uint8Array.of(0x88);
/** `:status: 103`, as a literal with the name of the table. */
export const STATUS_103 = Uint8Array.of(0x08, 3, 0x31, 0x30, 0x33);
const PROMISED = Uint8Array.of(0x82, 0x87, 0x84);

const PREFACE = 24;
const ACK = 1;
export const END = 0x5; // END_STREAM, END_HEADERS

export function frame(type: number, flags: number, stream: number, payload: Uint8Array = new Uint8Array()): Uint8Array {
  const bytes = new Uint8Array(9 + payload.byteLength);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, payload.byteLength << 8 | type);
  view.setUint8(4, flags);
  view.setUint32(5, stream);
  bytes.set(payload, 9);
  return bytes;
}

export function numbers(...all: number[]): Uint8Array {
  const bytes = new Uint8Array(4 * all.length);
  all.forEach((number, index) => new DataView(bytes.buffer).setUint32(4 * index, number));
  return bytes;
}

export const goaway = (last: number, code = 0) => frame(FRAME.goaway, 0, 0, numbers(last, code));
export const promise = (on: number, promised: number) =>
  frame(FRAME.promise, 0x4, on, new Uint8Array([...numbers(promised), ...PROMISED]));

/** Called when so many requests have come; `streams` are their numbers. */
export type Act = (socket: TLSSocket, streams: number[]) => void;

type Options = { after: number; /** The payload of the first frame. */ settings?: Uint8Array; answersFirst?: boolean };

/** Answers the first request of a connection, so that it counts as good; `act` hears of the others, once there are `after`. */
export async function serveFrames(act: Act, { after, settings, answersFirst = true }: Options) {
  const { cert, key } = certificates;
  const sockets = new Set<TLSSocket>();
  const server = createServer({ cert, key, ALPNProtocols: ["h2"] }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    socket.write(frame(FRAME.settings, 0, 0, settings));
    readFrames(socket, act, { after, answersFirst });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function readFrames(
  socket: TLSSocket,
  act: Act,
  { after, answersFirst }: { after: number; answersFirst: boolean },
): void {
  const streams: number[] = [];
  let bytes = new Uint8Array(), start = PREFACE;
  socket.on("data", (more: Uint8Array) => {
    bytes = new Uint8Array([...bytes, ...more]);
    for (let next = nextFrame(bytes, start); next; next = nextFrame(bytes, start)) {
      start = next.end;
      if (next.type === FRAME.settings && !(next.flags & ACK)) socket.write(frame(FRAME.settings, ACK, 0));
      if (next.type !== FRAME.headers) continue;
      if (streams.push(next.stream) === 1 && answersFirst) {
        socket.write(frame(FRAME.headers, END, next.stream, STATUS_200));
      }
      if (streams.length === after) act(socket, streams);
    }
    bytes = bytes.slice(start);
    start = 0;
  });
}

function nextFrame(bytes: Uint8Array, start: number) {
  if (bytes.byteLength < start + 9) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + start);
  const end = start + 9 + (view.getUint32(0) >>> 8);
  return bytes.byteLength < end
    ? undefined
    : { type: view.getUint8(3), flags: view.getUint8(4), stream: view.getUint32(5), end };
}
