/** Push services that speak HTTP/1.1 against the rules: whatever they send, every request ends, and the process lives. */
import fc from "fast-check";
import type { TLSSocket } from "node:tls";
import { systemClock } from "../../src/clock.ts";
import { parsePushHost } from "../../src/model/push_host.ts";
import { createEgress, type Reply } from "../../src/transports/egress.ts";
import { createTrust } from "../../src/transports/trust.ts";
import { equal, ok } from "../helpers/assert.ts";
import { certificates } from "../helpers/certificates.ts";
import { serveBytes } from "../helpers/raw_http1.ts";

const REQUESTS = 10;

/** Milliseconds instead of ten seconds, and of one. */
const DEADLINE = 300;

const clock = {
  ...systemClock,
  wait: (milliseconds: number, signal?: AbortSignal) => systemClock.wait(Math.min(milliseconds, DEADLINE), signal),
};

/** Sends some requests at once; closing waits for none of them. */
async function sendTo(act: (socket: TLSSocket) => void): Promise<Reply[]> {
  await using server = await serveBytes(act);
  const origin = `127.0.0.1:${server.port}`;
  const egress = createEgress({ trust: createTrust([parsePushHost(origin)]), clock, ca: certificates.ca });
  const post = () => egress.post(`https://${origin}/x`, { headers: { ttl: "1" }, body: new Uint8Array(100) });
  const replies = await Promise.all(Array.from({ length: REQUESTS }, post));
  const last = post(), began = performance.now();
  await egress.close();
  ok(performance.now() - began < 1_000);
  return [...replies, await last];
}

const say = (...texts: string[]) => (socket: TLSSocket) => {
  for (const text of texts) socket.write(text);
};
const repeat = (head: string, text: string) => (socket: TLSSocket) => {
  socket.write(head);
  const more = setInterval(() => socket.write(text.repeat(100)), 1);
  socket.once("close", () => clearInterval(more));
};
const thenEnd = (text: string) => (socket: TLSSocket) => socket.end(text);

const OK = "HTTP/1.1 200 OK\r\n", EARLY = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";

/** What is sent, and the statuses that may come of it; all others are faults of the network or of time. */
const HOSTILE: Record<string, [act: (socket: TLSSocket) => void, statuses: number[]]> = {
  "another protocol that nobody asked for": [
    say("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nx"),
    [],
  ],
  "another protocol without its name": [say("HTTP/1.1 101 Switching Protocols\r\n\r\n"), [101]],
  "three informational answers before the one": [say(EARLY.repeat(3), OK, "content-length: 0\r\n\r\n"), [200]],
  "informational answers without an end": [repeat("", EARLY), []],
  "a body without an end": [repeat(`${OK}\r\n`, "x".repeat(100)), [200]],
  "chunks without an end": [repeat(`${OK}transfer-encoding: chunked\r\n\r\n`, "1\r\nx\r\n"), [200]],
  "a body that never comes": [say(`${OK}content-length: 100\r\n\r\n`), [200]],
  "a chunk that is no chunk": [say(`${OK}transfer-encoding: chunked\r\n\r\nzz\r\n`), [200]],
  "a body that ends early": [thenEnd(`${OK}content-length: 100\r\n\r\nx`), [200]],
  "a head without an end": [repeat(OK, "a: b\r\n"), []],
  "a head that stops": [say(OK), []],
  "a head that ends early": [thenEnd(OK), []],
  "two lengths": [say(`${OK}content-length: 1\r\ncontent-length: 2\r\n\r\nxx`), []],
  "a length below zero": [say(`${OK}content-length: -1\r\n\r\n`), []],
  "a second answer that nobody asked for": [say(`${OK}content-length: 0\r\n\r\n`.repeat(2)), [200]],
  "a status of four digits": [say("HTTP/1.1 2000 OK\r\n\r\n"), []],
  "no status": [say("HTTP/1.1\r\n\r\n"), []],
  "HTTP/0.9": [thenEnd("<html>"), []],
  "HTTP/2": [say("\0\0\0\x04\0\0\0\0\0"), []],
  "zeros": [repeat("", "\0"), []],
  "the end": [thenEnd(""), []],
  "a broken connection": [(socket) => void socket.destroy(), []],
};

for (const [what, [act, statuses]] of Object.entries(HOSTILE)) {
  Deno.test(`hostile HTTP/1.1: after ${what} every request ends`, async () => {
    const replies = await sendTo(act);
    equal(replies.length, REQUESTS + 1);
    for (const reply of replies.slice(0, REQUESTS)) {
      const isGood = "fault" in reply ? reply.fault !== "blocked" : statuses.includes(reply.status);
      ok(isGood && (statuses.length === 0 || "status" in reply), JSON.stringify(reply));
    }
  });
}

Deno.test("hostile HTTP/1.1: another protocol ends the request at once, and its connection", async () => {
  const closed: Promise<void>[] = [];
  const replies = await sendTo((socket) => {
    closed.push(new Promise((resolve) => socket.once("close", () => resolve())));
    socket.write("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nx");
  });
  equal(replies.slice(0, REQUESTS), Array(REQUESTS).fill({ fault: "network" }));
  await Promise.all(closed);
});

Deno.test("hostile HTTP/1.1: any bytes are survived", async () => {
  const piece = fc.oneof(
    fc.constantFrom("HTTP/1.1 ", "HTTP/1.1 100 \r\n\r\n", "101", "200", " ", "\r\n", "\r\n\r\n", "content-length: "),
    fc.constantFrom("transfer-encoding: chunked\r\n", "upgrade: x\r\nconnection: upgrade\r\n", "5\r\nhello\r\n", "0"),
    fc.string({ maxLength: 20 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 12 }), fc.boolean(), async (pieces, ends) => {
      const replies = await sendTo((socket) => ends ? socket.end(pieces.join("")) : void socket.write(pieces.join("")));
      equal(replies.length, REQUESTS + 1);
    }),
    { numRuns: 40 },
  );
});
