import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";
import fc from "fast-check";
import type { Sink } from "../../src/broker/sink.ts";
import { type Copy, type DirectWrites, openDirectWrites } from "../../src/serve/direct_write.ts";
import { serveNode } from "../../src/serve/node_http.ts";
import { equal, ok } from "../helpers/assert.ts";

const system = openDirectWrites()!;
/** Has copies of two streams at most. */
const few = openDirectWrites(8)!;

/** What the kernel took of all, and the copies that are open. */
function spied(writes: DirectWrites) {
  const open = new Set<Copy>();
  const seen = { open, sent: 0, refused: 0 };
  const copy = (socket: Socket) => {
    const copied = writes.copy(socket);
    if (copied.fd >= 0) open.add(copied);
    return copied;
  };
  const send = (copied: Copy, bytes: Uint8Array<ArrayBuffer>) => {
    const taken = writes.send(copied, bytes);
    if (taken === bytes.byteLength) seen.sent++;
    else seen.refused++;
    return taken;
  };
  return { open, seen, copy, send, close: (copied: Copy) => (open.delete(copied), writes.close(copied)) };
}

/** A stream over a real connection, whose sink the test writes to. */
async function openStream(direct: DirectWrites) {
  const opened = Promise.withResolvers<Sink>(), gone = Promise.withResolvers<void>();
  const listening = await serveNode("127.0.0.1", 0, () => ({
    handle: (_, env) => {
      env.open = (sink) => (opened.resolve(sink), gone.resolve);
      return new Response(null);
    },
  }), direct);
  const socket = connect(listening.port, "127.0.0.1");
  const closed = new Promise<string | undefined>((resolve) => {
    socket.once("error", ({ code }: Error & { code?: string }) => resolve(code)).once(
      "close",
      () => resolve(undefined),
    );
  });
  socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const stop = async () => {
    socket.destroy();
    await Promise.all([closed, gone.promise]);
    await listening.close();
  };
  return { sink: await opened.promise, socket, closed, gone: gone.promise, [Symbol.asyncDispose]: stop };
}

/** Reads until so many bytes of the body are there. */
async function readBody(socket: Socket, bytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let head: number | undefined, size = 0;
  for await (const part of socket.iterator({ destroyOnReturn: false })) {
    parts.push(part);
    size += part.byteLength;
    head ??= headEnd(parts);
    if (head !== undefined && size - head >= bytes) break;
  }
  return new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer()).subarray(head);
}

function headEnd(parts: Uint8Array[]): number | undefined {
  const end = parts.map((part) => new TextDecoder("latin1").decode(part)).join("").indexOf("\r\n\r\n");
  return end < 0 ? undefined : end + 4;
}

const equalBytes = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

const turn = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("direct: this system has it, and what is written goes by it once the head is out", async () => {
  const direct = spied(system);
  await using stream = await openStream(direct);
  const reading = readBody(stream.socket, 300);
  await turn();
  for (let n = 0; n < 3; n++) stream.sink.write(new Uint8Array(100).fill(n));
  equal([...await reading].filter((byte, at) => byte !== Math.floor(at / 100)), []);
  equal([direct.seen.sent, direct.seen.refused], [3, 0]);
});

Deno.test("direct: whatever the reader's pace, every byte comes once and in order", async () => {
  const direct = spied(system);
  const sizes = fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(sizes, fc.boolean(), fc.boolean(), async (sizes, isFull, pauses) => {
      await using stream = await openStream(direct);
      const written: Uint8Array<ArrayBuffer>[] = [];
      const write = (size: number) => {
        written.push(crypto.getRandomValues(new Uint8Array(Math.min(size, 65_536))));
        stream.sink.write(written.at(-1)!);
      };
      await turn();
      const refused = direct.seen.refused;
      while (isFull && direct.seen.refused === refused) write(65_536);
      for (const size of sizes) {
        write(size);
        if (pauses) await turn();
      }
      const wanted = new Uint8Array(await new Blob(written).arrayBuffer());
      ok(equalBytes(await readBody(stream.socket, wanted.length), wanted));
    }),
    { numRuns: 15 },
  );
  ok(direct.seen.sent > 0);
});

Deno.test("direct: a copy is closed with its connection, whoever ends it", async () => {
  const direct = spied(system);
  const endings: ((stream: Awaited<ReturnType<typeof openStream>>) => void)[] = [
    ({ sink }) => sink.end(),
    ({ sink }) => sink.destroy(),
    ({ socket }) => socket.destroy(),
    ({ socket }) => socket.resetAndDestroy(),
  ];
  for (const end of endings) {
    await using stream = await openStream(direct);
    stream.socket.resume();
    await turn();
    equal(direct.open.size, 1);
    end(stream);
    await Promise.all([stream.gone, stream.closed]);
    stream.sink.write(new Uint8Array(10));
  }
  equal(direct.open.size, 0);
});

Deno.test("direct: a reader that is cut hears a reset, though there is a copy", async () => {
  await using stream = await openStream(system);
  stream.socket.resume();
  await turn();
  stream.sink.destroy();
  equal(await stream.closed, "ECONNRESET");
});

Deno.test("direct: with more streams than a quarter of the descriptors all are written to by Node", async () => {
  const direct = spied(few), streams = [];
  for (let n = 0; n < 3; n++) streams.push(await openStream(direct));
  await turn();
  const sizes = direct.open.values().map(({ fd }) => fd).toArray();
  const reading = streams.map(({ socket }) => readBody(socket, 10));
  for (const { sink } of streams) sink.write(new Uint8Array(10).fill(7));
  equal((await Promise.all(reading)).map((body) => [...body]), Array(3).fill(Array(10).fill(7)));
  equal([sizes, direct.seen.sent], [[-1, -1], 0]);
  for (const stream of streams) await stream[Symbol.asyncDispose]();
  await using stream = await openStream(direct);
  equal([stream.sink.queued, direct.open.size], [0, 1]);
});

Deno.test("direct: where there are no more descriptors, Node writes", async () => {
  await using stream = await openStream({ ...system, copy: () => ({ fd: -1 }) });
  const reading = readBody(stream.socket, 10);
  await turn();
  stream.sink.write(new Uint8Array(10).fill(7));
  equal([...await reading], Array(10).fill(7));
});
