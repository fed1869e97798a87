import { connect, type Socket } from "node:net";
import { LIMITS } from "../../src/broker/stream.ts";
import { serveDeno } from "../../src/serve/deno_serve.ts";
import { openDirectWrites } from "../../src/serve/direct_write.ts";
import { serveNode } from "../../src/serve/node_http.ts";
import { accessToken, publish, ring, type TestWorker, testWorker } from "../helpers/worker.ts";
import { manualClock } from "../helpers/clock.ts";
import { openStream } from "../helpers/event_source.ts";
import { equal, ok } from "../helpers/assert.ts";

const direct = openDirectWrites();
const serveDirect: typeof serveNode = (host, port, start) => serveNode(host, port, start, direct);

const SERVERS = { "node:http": serveNode, "node:http, direct": serveDirect, "Deno.serve": serveDeno };

/** A raw connection: what was received so far, and a wait for it. */
function dial(url: string) {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  const state = { text: "", closed: false };
  let changed = Promise.withResolvers<void>();
  const wake = () => (changed.resolve(), changed = Promise.withResolvers());
  socket.on("data", (chunk) => void (state.text += chunk, wake())).on("close", () => void (state.closed = true, wake()))
    .on("error", () => {});
  const until = async (condition: () => boolean) => {
    while (!condition()) await changed.promise;
  };
  return { socket, state, until };
}

const request = (path: string, token: string, more = "") =>
  `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n${more}\r\n`;
const HUB = "/.well-known/mercure";

async function openStreams(worker: TestWorker): Promise<number> {
  return (await worker.metrics.streamsOpen.get()).values[0]?.value ?? 0;
}

async function untilOpen(worker: TestWorker, count: number): Promise<void> {
  while (await openStreams(worker) !== count) await new Promise((resolve) => setTimeout(resolve));
}

Deno.test("node:http: clients that are gone before their stream begins leave none behind", async () => {
  await using worker = await testWorker();
  const token = await accessToken(worker, { subscribe: ["*"] });
  await Promise.all(Array.from({ length: 50 }, async () => {
    const { socket, state, until } = dial(worker.url);
    socket.write(request(`${HUB}?match=a`, token), () => socket.resetAndDestroy());
    await until(() => state.closed);
  }));
  await untilOpen(worker, 0);
});

Deno.test("node:http: who has a stream's head has an id to come back with, however soon the worker dies", async () => {
  await using worker = await testWorker();
  const token = await accessToken(worker, { subscribe: ["*"] });
  for (let n = 0; n < 50; n++) {
    const { socket } = dial(worker.url);
    const first = new Promise<string>((resolve) => socket.once("data", (bytes) => resolve(`${bytes}`)));
    socket.write(request(`${HUB}?match=a`, token));
    ok(/^HTTP\/1\.1 200 [^]*\r\n\r\n[^]*id: ./.test(await first), await first);
    socket.resetAndDestroy();
  }
  await untilOpen(worker, 0);
});

Deno.test("node:http: what is asked for behind a stream on its connection ends the connection", async () => {
  await using worker = await testWorker({ limits: { ring: { bytes: 1e6, events: 2 } } });
  const token = await accessToken(worker, { subscribe: ["*"] });
  for (let n = 0; n < 20; n++) await ring(worker, `${n}`);
  const { socket, state, until } = dial(worker.url);
  socket.write(request(`${HUB}?match=*&last_event_id=earliest`, token).repeat(300));
  await until(() => state.closed);
  await untilOpen(worker, 0);
  await using resumed = await openStream(worker.hub, "match=*&last_event_id=earliest", token);
  await resumed.until(() => resumed.events.length === 20);
  socket.destroy();
});

Deno.test("node:http: HTTP/1.0 without a Host is answered, as health checks speak it", async () => {
  await using worker = await testWorker();
  const { socket, state, until } = dial(worker.url);
  socket.write("GET /-/healthy HTTP/1.0\r\n\r\n");
  await until(() => state.closed || state.text.includes("healthy"));
  ok(/^HTTP\/1\.[01] 200 /.test(state.text), state.text);
  socket.destroy();
  await until(() => state.closed);
});

for (const [name, serve] of Object.entries(SERVERS)) {
  Deno.test(`${name}: headers are out before the first event, and no proxy is to buffer`, async () => {
    await using worker = await testWorker({ serve });
    await using stream = await openStream(worker.hub, "match=a", await accessToken(worker, { subscribe: ["*"] }));
    equal(stream.response.headers.get("content-type"), "text/event-stream");
    equal(stream.response.headers.get("x-accel-buffering"), "no");
    equal(stream.response.headers.get("cache-control"), "no-cache, no-transform");
    equal(stream.events, []);
  });

  const leavings: Record<string, (socket: Socket) => void> = {
    "ends": (socket) => void socket.destroy(),
    "resets": (socket) => void socket.resetAndDestroy(),
    "half-closes": (socket) => void socket.end(),
  };
  for (const [how, leave] of Object.entries(leavings)) {
    Deno.test(`${name}: a client that ${how} is gone at once`, async () => {
      await using worker = await testWorker({ serve });
      const { socket, state, until } = dial(worker.url);
      socket.write(request(`${HUB}?match=a`, await accessToken(worker, { subscribe: ["*"] })));
      await until(() => state.text.includes("\n\n"));
      equal(await openStreams(worker), 1);
      leave(socket);
      await untilOpen(worker, 0);
      socket.destroy();
      await until(() => state.closed);
    });
  }

  Deno.test(`${name}: a reader that never reads is cut, and another notices nothing`, async () => {
    await using worker = await testWorker({ serve, limits: { patience: 100 } });
    const token = await accessToken(worker, { subscribe: ["*"], publish: ["*"] });
    const { socket, state, until } = dial(worker.url);
    socket.write(request(`${HUB}?match=a`, token));
    await until(() => state.text.includes("\n\n"));
    socket.pause();
    await using quick = await openStream(worker.hub, "match=a", token);
    let sent = 0;
    while (await openStreams(worker) === 2) {
      await publish(worker.hub, token, [["topic", "a"], ["data", "x".repeat(40_000)]]);
      ok(++sent < 1000, "never cut");
    }
    await quick.until(() => quick.events.length === sent);
    equal((await worker.metrics.streamsEnded.get()).values.find(({ labels }) => labels.reason === "slow")?.value, 1);
    socket.destroy();
    await until(() => state.closed);
  });

  Deno.test(`${name}: a stream ends after so many chunks, and its reader comes back without a gap`, async () => {
    await using worker = await testWorker({ serve, limits: { streams: { ...LIMITS, chunks: 5 } } });
    const token = await accessToken(worker, { subscribe: ["*"], publish: ["*"] });
    await using stream = await openStream(worker.hub, "match=a", token);
    const sent = Array.from({ length: 8 }, (_, n) => `${n}`);
    for (const data of sent) await publish(worker.hub, token, [["topic", "a"], ["data", data]]);
    await stream.until(() => stream.state.ended);
    ok(stream.state.retry >= LIMITS.retry && stream.events.length < sent.length, stream.state.text);
    await using resumed = await openStream(worker.hub, `match=a&last_event_id=${stream.state.lastId}`, token);
    await resumed.until(() => stream.events.length + resumed.events.length >= sent.length);
    equal([...stream.events, ...resumed.events].map(({ data }) => data), sent);
  });

  Deno.test(`${name}: a stream ends after its time, however quiet it is`, async () => {
    const clock = manualClock(Date.now());
    await using worker = await testWorker({ serve, clock });
    const token = await accessToken(worker, { subscribe: ["*"], expires: "200h" });
    await using stream = await openStream(worker.hub, "match=nothing", token);
    clock.advance(LIMITS.life * 0.8 - 2_000);
    await untilOpen(worker, 1);
    clock.advance(LIMITS.life * 0.4 + 4_000);
    while (!stream.state.ended) (clock.advance(1_000), await new Promise((resolve) => setTimeout(resolve)));
    equal([stream.events, await openStreams(worker)], [[], 0]);
    ok(stream.state.retry >= LIMITS.retry);
  });

  Deno.test(`${name}: a stream asked for behind another request on the same connection gets its answer in turn`, async () => {
    await using worker = await testWorker({ serve });
    const { socket, state, until } = dial(worker.url);
    const token = await accessToken(worker, { subscribe: ["*"] });
    socket.write(request("/-/healthy", token) + request(`${HUB}?match=a`, token));
    await until(() => state.text.includes("event-stream") && state.text.includes("\nid: "));
    ok(state.text.indexOf("healthy") < state.text.indexOf("event-stream"));
    await ring(worker, "a");
    await until(() => state.text.includes('"topic":"a"'));
    socket.destroy();
    await until(() => state.closed);
  });

  Deno.test(`${name}: an id beyond ASCII comes back in the header as browsers send it`, async () => {
    await using worker = await testWorker({ serve });
    const token = await accessToken(worker, { subscribe: ["*"], publish: ["*"] });
    await publish(worker.hub, token, [["topic", "a"], ["data", "1"], ["id", "größer-日本"]]);
    await publish(worker.hub, token, [["topic", "a"], ["data", "2"]]);
    const bytes = String.fromCharCode(...new TextEncoder().encode("größer-日本"));
    await using stream = await openStream(worker.hub, "match=a", token, { "last-event-id": bytes });
    await stream.until(() => stream.events.length > 0);
    equal(stream.events.map(({ data }) => data), ["2"]);
    equal(stream.response.headers.get("mercure-last-event-id"), bytes);
  });

  Deno.test(`${name}: stopping ends every stream and every connection`, async () => {
    const worker = await testWorker({ serve });
    const token = await accessToken(worker, { subscribe: ["*"] });
    const streams = await Promise.all(Array.from({ length: 20 }, () => openStream(worker.hub, "match=a", token)));
    await worker.stop();
    for (const stream of streams) {
      await stream.until(() => stream.state.ended);
      ok(stream.state.retry >= 2000);
    }
  });
}
