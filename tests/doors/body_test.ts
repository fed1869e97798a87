import { Hono } from "hono";
import fc from "fast-check";
import { checkType, readText } from "../../src/doors/body.ts";
import { CarillonError } from "../../src/errors.ts";
import { serveDeno } from "../../src/serve/deno_serve.ts";
import { serveNode } from "../../src/serve/node_http.ts";
import { equal, ok } from "../helpers/assert.ts";
import { bytes } from "../helpers/bad_input.ts";
import { eventually } from "../helpers/eventually.ts";
import { readJournal } from "../helpers/journal.ts";
import { subscribe } from "../helpers/push_resource.ts";
import { rawRequest } from "../helpers/raw_http.ts";
import { readRefusal } from "../helpers/refusal.ts";
import { accessToken, type TestWorker, testWorker } from "../helpers/worker.ts";

const LIMIT = 100;

/** The body as it was read, or the code that it was refused with. */
async function read(body: BodyInit, headers: Record<string, string> = {}): Promise<string> {
  const app = new Hono();
  app.onError((thrown, c) => c.text(thrown instanceof CarillonError ? thrown.code : `broken: ${thrown}`));
  app.post("/", async (c) => c.text(await readText(c, LIMIT)));
  return await (await app.request("/", { method: "POST", body, headers })).text();
}

/** A body that comes piece by piece, without a length. */
function pieces(...parts: Uint8Array[]): { stream: ReadableStream; cancelled: () => boolean } {
  let cancelled = false;
  const stream = new ReadableStream({
    pull: (controller) => parts.length > 0 ? controller.enqueue(parts.shift()) : controller.close(),
    cancel: () => void (cancelled = true),
  });
  return { stream, cancelled: () => cancelled };
}

Deno.test("body: text of any script is read whole, however it is cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: "grapheme", maxLength: 20 }),
      fc.integer({ min: 1, max: 9 }),
      async (text, size) => {
        const whole = bytes(text);
        const cut = Array.from(
          { length: Math.ceil(whole.length / size) },
          (_, n) => whole.slice(n * size, (n + 1) * size),
        );
        const expected = whole.length > LIMIT ? "too_large" : new TextDecoder().decode(whole);
        equal([await read(text), await read(pieces(...cut).stream)], [expected, expected]);
      },
    ),
    { numRuns: 50 },
  );
});

Deno.test("body: a length above the limit is too_large before a byte is read", async () => {
  const { stream } = pieces();
  const untouched = new ReadableStream({ pull: () => Promise.reject(new Error("it was read")) }, { highWaterMark: 0 });
  equal(await read(untouched, { "content-length": `${LIMIT + 1}` }), "too_large");
  await stream.cancel();
});

Deno.test("body: a body of just the limit is read, one more byte is too_large", async () => {
  equal(await read("x".repeat(LIMIT), { "content-length": `${LIMIT}` }), "x".repeat(LIMIT));
  equal(await read(pieces(bytes("x".repeat(LIMIT))).stream), "x".repeat(LIMIT));
  equal(await read(pieces(bytes("x".repeat(LIMIT)), bytes("x")).stream), "too_large");
});

Deno.test("body: without a length it is given up at the limit, and the rest is not read", async () => {
  const endless = pieces(...Array.from({ length: 1_000 }, () => bytes("x".repeat(10))));
  equal([await read(endless.stream), endless.cancelled()], ["too_large", true]);
});

Deno.test("body: what is not UTF-8 is bad_request, and the next one is read", async () => {
  for (const bad of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xc0, 0x80], [0x61, 0xe2, 0x82]]) {
    equal(await read(new Uint8Array(bad)), "bad_request");
    equal(await read("ä"), "ä");
  }
});

Deno.test("body: the type is compared without its parameters and case", async () => {
  const app = new Hono();
  app.onError((thrown, c) => c.text(thrown instanceof CarillonError ? thrown.code : "broken"));
  app.post("/", (c) => (checkType(c, "application/json"), c.text("good")));
  const typed = async (type?: string) =>
    await (await app.request("/", { method: "POST", headers: type === undefined ? {} : { "content-type": type } }))
      .text();
  for (
    const good of ["application/json", "Application/JSON", "application/json; charset=utf-8", " application/json ;a"]
  ) {
    equal(await typed(good), "good");
  }
  for (const bad of [undefined, "", ";", "application/jsonx", "text/json", "application/json, text/plain"]) {
    equal(await typed(bad), "wrong_type");
  }
});

const DOORS = {
  "/-/events": "application/secevent+jwt",
  "/-/gateway": "application/json",
  "/.well-known/mercure": "application/x-www-form-urlencoded",
  "/-/subscriptions": "application/json",
};

/** The head of a POST to a door, with a token that may do everything. */
async function headOf(worker: TestWorker, path: keyof typeof DOORS, length: string): Promise<string> {
  const token = await accessToken(worker, { publish: ["*"] });
  const authorization = path === "/-/events" ? "" : `Authorization: Bearer ${token}\r\n`;
  return `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${
    DOORS[path]
  }\r\n${authorization}${length}\r\n\r\n`;
}

const SERVERS = { "node:http": serveNode, "Deno.serve": serveDeno };

for (const [name, serve] of Object.entries(SERVERS)) {
  const token = fc.string({ unit: fc.constantFrom(..."abcXYZ-_!"), minLength: 1, maxLength: 12 });
  const value = fc.string({
    unit: fc.integer({ min: 32, max: 255 }).map((code) => String.fromCharCode(code)),
    maxLength: 40,
  });
  const known = fc.constantFrom("Authorization", "Cookie", "Origin", "Content-Type", "Last-Event-ID", "Accept", "Host");
  const path = fc.oneof(
    fc.constantFrom(
      "/-/events",
      "/-/gateway",
      "/.well-known/mercure?match=a",
      "/-/healthy",
      "/-/metrics",
      "*",
      "//",
      "http://[",
    ),
    value.map((text) => `/${text.replaceAll(" ", "")}`),
  );
  const method = fc.oneof(fc.constantFrom("GET", "POST", "HEAD", "OPTIONS", "QUERY"), token);
  const headers = fc.array(fc.tuple(fc.oneof(known, token), value).map((pair) => pair.join(": ")), { maxLength: 5 });
  const head = fc.tuple(method, path, headers).map(([method, path, headers]) =>
    [`${method} ${path} HTTP/1.1`, "Host: localhost", ...headers, "Connection: close", "", ""].join("\r\n")
  );

  Deno.test(`body, ${name}: a client that goes before its end is no fault of ours`, async () => {
    await using worker = await testWorker({ serve });
    const { push } = await subscribe(worker), port = Number(new URL(worker.url).port);
    for (const length of ["Content-Length: 100", "Transfer-Encoding: chunked"]) {
      const event = await headOf(worker, "/-/events", length);
      for (
        const head of [event, event.replace("/-/events", new URL(push).pathname).replace("Host", "TTL: 60\r\nHost")]
      ) {
        worker.metrics.refused.reset();
        await eventually("it is refused", async () => {
          const connection = await Deno.connect({ hostname: "127.0.0.1", port });
          await connection.write(bytes(`${head}1`));
          connection.close();
          return (await worker.metrics.refused.get()).values.length > 0;
        });
        const refused = (await worker.metrics.refused.get()).values;
        equal(refused.map(({ labels }) => labels.code), ["bad_request"]);
      }
    }
  });

  Deno.test(`body, ${name}: whatever bytes come as a request, the answer is none of a fault of ours`, async () => {
    await using worker = await testWorker({ serve, env: { CARILLON_ANONYMOUS: "false" } });
    await fc.assert(
      fc.asyncProperty(fc.oneof(head, fc.string().filter((line) => line.trim() !== "")), async (head) => {
        const sent = Uint8Array.from(`${head}\r\n\r\n`, (letter) => letter.charCodeAt(0));
        const { status, headers, body } = await rawRequest(worker.url, sent);
        ok(status < 500, `${status} ${body}`);
        if (headers.get("content-type") === "application/problem+json" && body) {
          readRefusal({ status, headers, text: body });
        }
      }),
      { numRuns: 100 },
    );
    equal(await readJournal(worker), []);
  });
}

for (const [name, serve] of Object.entries(SERVERS)) {
  // For a body that nobody reads, @hono/node-server keeps a timer of half a second: these come last, unwatched.
  const test = (what: string, fn: (worker: TestWorker, path: keyof typeof DOORS) => Promise<void>) => {
    for (const path of Object.keys(DOORS) as (keyof typeof DOORS)[]) {
      Deno.test({
        name: `body, ${name}, ${path}: ${what}`,
        sanitizeOps: false,
        sanitizeResources: false,
        async fn() {
          await using worker = await testWorker({ serve });
          await fn(worker, path);
          equal(await readJournal(worker), []);
        },
      });
    }
  };

  test(
    "a length over the limit is 413 before the body is sent, and the connection is given up",
    async (worker, path) => {
      const answer = await rawRequest(worker.url, await headOf(worker, path, "Content-Length: 99999999999"));
      const { status, code } = readRefusal({ ...answer, text: answer.body });
      equal([status, code], [413, "too_large"]);
      ok(answer.headers.get("connection")?.includes("close"));
      if (name === "node:http") ok(answer.closed);
    },
  );

  test("a body without a length is 413 as soon as it is over the limit", async (worker, path) => {
    const chunk = `8000\r\n${"x".repeat(0x8000)}\r\n`;
    const answer = await rawRequest(
      worker.url,
      await headOf(worker, path, "Transfer-Encoding: chunked"),
      ...Array(8).fill(chunk),
    );
    const { status, code } = readRefusal({ ...answer, text: answer.body });
    equal([status, code], [413, "too_large"]);
  });

  test("a length and chunks together are refused, and nothing is smuggled", async (worker, path) => {
    const lengths = "Content-Length: 3\r\nTransfer-Encoding: chunked";
    const answer = await rawRequest(
      worker.url,
      await headOf(worker, path, lengths),
      "0\r\n\r\nGET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    equal([answer.status, answer.body.includes("healthy")], [400, false]);
  });
}

Deno.test("body, node:http: who goes on sending what is too large is read a little longer, and then no more", async () => {
  await using worker = await testWorker({ serve: serveNode });
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(worker.url).port) });
  const [head, more] = [
    bytes(await headOf(worker, "/-/events", "Content-Length: 99999999999")),
    new Uint8Array(65_536),
  ];
  await connection.write(head);
  let sent = 0;
  try {
    while (sent < 2 ** 30) sent += await connection.write(more);
  } catch {
    connection.close();
  }
  // A MiB, and what the system keeps of both sides.
  ok(sent > 2 ** 20 && sent < 2 ** 25, `${sent}`);
});
