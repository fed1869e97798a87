/** Push services that speak HTTP/2 against the rules: whatever they send, every request ends, and the process lives. */
import fc from "fast-check";
import type { TLSSocket } from "node:tls";
import { systemClock } from "../../src/clock.ts";
import { parsePushHost } from "../../src/model/push_host.ts";
import { createEgress, type Reply } from "../../src/transports/egress.ts";
import { createTrust } from "../../src/transports/trust.ts";
import { equal, ok } from "../helpers/assert.ts";
import { certificates } from "../helpers/certificates.ts";
import {
  type Act,
  END,
  FRAME,
  frame,
  goaway,
  numbers,
  promise,
  serveFrames,
  STATUS_103,
  STATUS_200,
} from "../helpers/raw_http2.ts";

const REQUESTS = 40;

/** Milliseconds instead of ten seconds. */
const DEADLINE = 300;

const clock = {
  ...systemClock,
  wait: (milliseconds: number, signal?: AbortSignal) => systemClock.wait(Math.min(milliseconds, DEADLINE), signal),
};

/** Sends one request, which is answered, and then many at once. */
async function sendTo(act: Act, { answering = false } = {}): Promise<Reply[]> {
  await using server = await serveFrames(act, { after: answering ? 30 : REQUESTS });
  const origin = `127.0.0.1:${server.port}`;
  const egress = createEgress({ trust: createTrust([parsePushHost(origin)]), clock, ca: certificates.ca });
  const post = () => egress.post(`https://${origin}/x`, { headers: { ttl: "1" }, body: new Uint8Array(100) });
  const first = await post();
  const rest = await Promise.all(Array.from({ length: REQUESTS - 1 }, post));
  await egress.close();
  return [first, ...rest];
}

const write = (...frames: ((streams: number[]) => Uint8Array)[]): Act => (socket, streams) => {
  for (const each of frames) socket.write(each(streams));
};
const many = (count: number, bytes: () => Uint8Array): Act => (socket) => {
  for (let n = 0; n < count; n++) socket.write(bytes());
};
const thenEnd = (act: Act): Act => (socket, streams) => (act(socket, streams), void socket.end());
const thenDestroy = (act: Act): Act => (socket, streams) => (act(socket, streams), void socket.destroy());

const HOSTILE: Record<string, Act> = {
  "a GOAWAY before all streams": write(() => goaway(0)),
  "a GOAWAY between the streams": write((s) => goaway(s[10]!)),
  "a GOAWAY with an error": write((s) => goaway(s[5]!, 2)),
  "a GOAWAY that goes back, again and again": write((s) => goaway(s[20]!), (s) => goaway(s[5]!), () => goaway(0)),
  "a GOAWAY and the end": thenEnd(write(() => goaway(0))),
  "a GOAWAY and a broken connection": thenDestroy(write((s) => goaway(s[5]!, 2))),
  "a reset of every stream": (socket, streams) => {
    for (const stream of streams) socket.write(frame(FRAME.reset, 0, stream, numbers(2)));
  },
  "a reset of streams that never were": many(200, () => frame(FRAME.reset, 0, 99_999, numbers(8))),
  "headers that no table holds": write((s) => frame(FRAME.headers, END, s[3]!, new Uint8Array(9).fill(0xff))),
  "a window beyond its limit": many(3, () => frame(FRAME.windowUpdate, 0, 0, numbers(0x7fffffff))),
  "a window of nothing": write(() => frame(FRAME.windowUpdate, 0, 0, numbers(0))),
  "promises, which we forbid": write((s) => promise(s[3]!, 2), (s) => promise(s[3]!, 4), (s) => promise(s[4]!, 6)),
  "promises and a GOAWAY": write((s) => promise(s[3]!, 2), (s) => promise(s[3]!, 4), () => goaway(0)),
  "data of a stream that never was": write(() => frame(FRAME.data, 0, 99_999, new Uint8Array(10))),
  "data before headers": write((s) => frame(FRAME.data, 0, s[3]!, new Uint8Array(10))),
  "a frame that is too large": write((s) => frame(FRAME.data, 0, s[3]!, new Uint8Array(100_000))),
  "headers without their end, and data": write(
    (s) => frame(FRAME.headers, 0, s[3]!, STATUS_200),
    (s) => frame(FRAME.data, 0, s[3]!),
  ),
  "continuations without an end": (socket, streams) => {
    socket.write(frame(FRAME.headers, 0, streams[3]!, STATUS_200));
    for (let n = 0; n < 2_000; n++) socket.write(frame(FRAME.continuation, 0, streams[3]!, new Uint8Array(100)));
  },
  "settings that allow no stream": write(() => frame(FRAME.settings, 0, 0, Uint8Array.of(0, 3, 0, 0, 0, 0))),
  "a flood of settings": many(5_000, () => frame(FRAME.settings, 0, 0)),
  "a flood of pings": many(5_000, () => frame(FRAME.ping, 0, 0, new Uint8Array(8))),
  "a frame of an unknown type": write(() => frame(0xee, 0xff, 1, new Uint8Array(20))),
  "HTTP/1.1": (socket) => void socket.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
};

for (const [what, act] of Object.entries(HOSTILE)) {
  Deno.test(`hostile HTTP/2: after ${what} every request ends`, async () => {
    const [first, ...rest] = await sendTo(act);
    ok(first && "status" in first && first.status === 200);
    equal(rest.length, REQUESTS - 1);
    for (const reply of rest) {
      ok("fault" in reply ? reply.fault !== "blocked" : reply.status === 200, JSON.stringify(reply));
    }
  });
}

Deno.test("hostile HTTP/2: what a server has not looked at before it leaves is sent again at once, the rest is not", async () => {
  let connections = 0;
  const replies = await sendTo((socket, streams) => {
    const taken = connections++ === 0 ? streams.slice(0, 10) : streams;
    if (taken !== streams) socket.write(goaway(taken.at(-1)!));
    for (const stream of taken.slice(1)) socket.write(frame(FRAME.headers, END, stream, STATUS_200));
  }, { answering: true });
  equal(replies.filter((reply) => "status" in reply).length, REQUESTS);
});

Deno.test("hostile HTTP/2: a server that lets no request begin has its time, and closing does not wait for it", async () => {
  await using server = await serveFrames(() => {}, { after: Infinity, settings: Uint8Array.of(0, 3, 0, 0, 0, 0) });
  const origin = `127.0.0.1:${server.port}`, trust = createTrust([parsePushHost(origin)]);
  const egress = createEgress({ trust, clock, ca: certificates.ca });
  const post = () => egress.post(`https://${origin}/x`, { headers: { ttl: "1" }, body: new Uint8Array(100) });
  equal(await Promise.all([post(), post(), post()]), Array(3).fill({ fault: "timeout" }));
  const last = post(), began = performance.now();
  await egress.close();
  ok(performance.now() - began < 1_000);
  equal(await last, { fault: "network" });
});

for (const [what, informational] of [["3", 3], ["10,000", 10_000]] as const) {
  Deno.test(`hostile HTTP/2: after ${what} informational answers the request ends`, async () => {
    await using server = await serveFrames((socket, [stream]) => {
      for (let n = 0; n < informational; n++) socket.write(frame(FRAME.headers, 0x4, stream!, STATUS_103));
      socket.write(frame(FRAME.headers, END, stream!, STATUS_200));
    }, { after: 1, answersFirst: false });
    const origin = `127.0.0.1:${server.port}`, trust = createTrust([parsePushHost(origin)]);
    const egress = createEgress({ trust, clock, ca: certificates.ca });
    const reply = await egress.post(`https://${origin}/x`, { headers: { ttl: "1" }, body: new Uint8Array(100) });
    equal("status" in reply ? reply.status : reply, informational > 10 ? { fault: "network" } : 200);
    await egress.close();
  });
}

Deno.test("hostile HTTP/2: any frames in any order are survived", async () => {
  const any = fc.record({
    type: fc.integer({ min: 0, max: 12 }),
    flags: fc.nat(255),
    stream: fc.oneof(fc.nat(2 * REQUESTS), fc.nat(2 ** 31 - 1)),
    payload: fc.uint8Array({ maxLength: 64 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(any, { minLength: 1, maxLength: 30 }), fc.boolean(), async (frames, breaks) => {
      const replies = await sendTo((socket: TLSSocket) => {
        for (const { type, flags, stream, payload } of frames) socket.write(frame(type, flags, stream, payload));
        if (breaks) socket.destroy();
      });
      equal(replies.length, REQUESTS);
    }),
    { numRuns: 60 },
  );
});
