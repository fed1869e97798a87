/** How long the head of a request may be: a token with a hundred grants fits, and no more than 64 KB. */
import { serveDeno } from "../../src/serve/deno_serve.ts";
import { serveNode } from "../../src/serve/node_http.ts";
import { equal } from "../helpers/assert.ts";
import { rawRequest } from "../helpers/raw_http.ts";
import { testWorker } from "../helpers/worker.ts";

/** The platform's own server has one answer to all that it cannot read. */
const SERVERS = { "node:http": { serve: serveNode, refused: 431 }, "Deno.serve": { serve: serveDeno, refused: 400 } };

/** So many KB, in each part of a head. */
const HEADS: Record<string, (size: number) => string> = {
  "one header": (size) => `GET /-/healthy HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(size * 1024)}\r\n\r\n`,
  "all headers": (size) => {
    const lines = Array.from({ length: size }, (_, n) => `X${n}: ${"x".repeat(1_016)}\r\n`);
    return `GET /-/healthy HTTP/1.1\r\nHost: a\r\n${lines.join("")}\r\n`;
  },
  "the address": (size) => `GET /-/healthy?${"x".repeat(size * 1024)} HTTP/1.1\r\nHost: a\r\n\r\n`,
};

for (const [name, { serve, refused }] of Object.entries(SERVERS)) {
  for (const [what, headOf] of Object.entries(HEADS)) {
    Deno.test(`headers, ${name}: ${what} of 60 KB is read, one of 66 KB is ${refused} and ends the connection`, async () => {
      await using worker = await testWorker({ serve });
      const [read, long, endless] = await Promise.all(
        [60, 66, 1_024].map((size) => rawRequest(worker.url, headOf(size))),
      );
      equal([read!.status, read!.body.includes("healthy")], [200, true]);
      for (const { status, closed } of [long!, endless!]) equal([status, closed], [refused, true]);
      equal((await rawRequest(worker.url, headOf(1))).status, 200);
    });
  }
}
