/** `POST /-/push/push/TOKEN` on both servers: `node:http`, where it is answered without a `Request`, and `Deno.serve`. */
import fc from "fast-check";
import { serveDeno } from "../../src/serve/deno_serve.ts";
import { serveNode } from "../../src/serve/node_http.ts";
import { equal, ok } from "../helpers/assert.ts";
import { manualClock } from "../helpers/clock.ts";
import { eventually } from "../helpers/eventually.ts";
import { askReceipts, listen, push, subscribe, vapidFor } from "../helpers/push_resource.ts";
import { rawRequest } from "../helpers/raw_http.ts";
import { freshVapidKey } from "../helpers/vapid_keys.ts";
import { testWorker } from "../helpers/worker.ts";

const SERVERS = { "node:http": serveNode, "Deno.serve": serveDeno };

for (const [name, serve] of Object.entries(SERVERS)) {
  Deno.test(`push: ${name}: what is taken, and what is refused`, async () => {
    await using worker = await testWorker({ serve });
    const key = await freshVapidKey(), other = await freshVapidKey();
    const { push: open } = await subscribe(worker),
      { push: restricted } = await subscribe(worker, { vapid: key.point });
    const authorization = await vapidFor(key, worker.url), { asked } = await askReceipts(worker);
    const unknown = `${open.slice(0, -4)}${open.endsWith("AAAA") ? "BBBB" : "AAAA"}`;
    const cases: [what: string, to: string, body: number, Record<string, string | undefined>, number, string?][] = [
      ["a message", open, 100, {}, 201],
      ["an empty one", open, 0, {}, 201],
      ["from a page", open, 100, { origin: "https://app.example" }, 201],
      ["with a receipt", open, 100, asked, 202],
      ["by its key", restricted, 4_096, { authorization }, 201],
      ["by none", restricted, 100, {}, 401, "missing_vapid"],
      ["by another", restricted, 100, { authorization: await vapidFor(other, worker.url) }, 403, "vapid_refused"],
      ["no TTL", open, 100, { ttl: undefined }, 400, "bad_request"],
      ["too large", open, 4_097, {}, 413, "too_large"],
      ["too large, and to nobody", unknown, 4_097, {}, 413, "too_large"],
      ["to nobody", unknown, 100, {}, 404, "not_found"],
      ["with a query", `${open}?a=b`, 100, {}, 201],
    ];
    for (const [what, to, bytes, headers, status, code] of cases) {
      const answer = await push(to, new Uint8Array(bytes), headers);
      equal([what, answer.status, answer.code], [what, status, code]);
      const isTaken = status < 300;
      equal([isTaken, isTaken && answer.headers.get("ttl")], [answer.location !== null, isTaken && "60"]);
    }
    equal((await Array.fromAsync(worker.kv.list({ prefix: ["push_message"] }))).length, 6);
  });

  const token = fc.string({ unit: fc.constantFrom(..."abcXYZ019-_.%?/"), maxLength: 60 });
  const line = fc.string({ unit: fc.integer({ min: 32, max: 126 }).map((code) => String.fromCharCode(code)) });
  const known = fc.constantFrom(
    "TTL",
    "Topic",
    "Urgency",
    "Prefer",
    "Push-Receipt",
    "Authorization",
    "Content-Encoding",
  );
  const fields = fc.array(fc.tuple(known, line).map((pair) => pair.join(": ")), { maxLength: 4 });

  Deno.test(`push: ${name}: whatever comes is answered, and none of it is stored`, async () => {
    await using worker = await testWorker({ serve });
    const { push: resource } = await subscribe(worker, { vapid: (await freshVapidKey()).point });
    const path = fc.oneof(fc.constant(new URL(resource).pathname), token.map((text) => `/-/push/push/${text}`));
    await fc.assert(
      fc.asyncProperty(path, fields, line, async (path, fields, body) => {
        const head = [`POST ${path} HTTP/1.1`, "Host: localhost", `Content-Length: ${body.length}`, ...fields];
        const { status } = await rawRequest(worker.url, `${head.join("\r\n")}\r\n\r\n${body}`);
        ok(status >= 400 && status < 500, `${status}: ${path}`);
      }),
      { numRuns: 100 },
    );
    equal((await Array.fromAsync(worker.kv.list({ prefix: ["push_message"] }))).length, 0);
  });
}

Deno.test("push: the body is asked for when everything else is good", async () => {
  await using worker = await testWorker();
  const { push: resource } = await subscribe(worker), path = new URL(resource).pathname;
  const ask = (path: string) =>
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\nTTL: 60\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n`;
  equal((await rawRequest(worker.url, ask(`${path}x`))).status, 404);
  equal((await rawRequest(worker.url, ask(path), "hi")).status, 100);
  await eventually("it is stored", async () => {
    const stored = await Array.fromAsync(worker.kv.list({ prefix: ["push_message"] }));
    return stored.length === 1;
  });
});

Deno.test("push: a good one passes while bogus ones wait for their turn", async () => {
  const clock = manualClock(Date.now());
  await using worker = await testWorker({ clock });
  const { subscription, push: resource } = await subscribe(worker);
  await using stream = await listen(subscription);
  const bogus = Array.from({ length: 20 }, () => push(`${resource}x`));
  const refused: number[] = [];
  for (const each of bogus) void each.then(({ status }) => refused.push(status));
  await eventually("the first are refused", () => Promise.resolve(refused.length === 5));
  equal((await push(resource, "good")).status, 201);
  await stream.until(() => stream.events.length === 1);
  equal([stream.texts(), refused.length], [["good"], 5]);
  await eventually("all are refused", () => {
    clock.advance(4);
    return Promise.resolve(refused.length === 20);
  });
  equal(new Set(refused), new Set([404]));
});
