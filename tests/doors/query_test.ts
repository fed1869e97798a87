/** `QUERY` on the hub, the same over both servers: a stream whose matchers come in a body (RFC 10008). */
import fc from "fast-check";
import { MAX_QUERY_BYTES } from "../../src/doors/stream.ts";
import { MAX_MATCHERS } from "../../src/model/matcher.ts";
import { serveDeno } from "../../src/serve/deno_serve.ts";
import { serveNode } from "../../src/serve/node_http.ts";
import { equal, ok } from "../helpers/assert.ts";
import { text } from "../helpers/arbitraries.ts";
import { bytes, COOKIE } from "../helpers/bad_input.ts";
import { queryStream, readData } from "../helpers/query_stream.ts";
import { readRefusal } from "../helpers/refusal.ts";
import { accessToken, publish, type TestWorker, testWorker } from "../helpers/worker.ts";

const SERVERS = { "node:http": serveNode, "Deno.serve": serveDeno };

const all = (worker: TestWorker) => accessToken(worker, { subscribe: ["*"], publish: ["*"] });

/** Publishes an update to each topic, whose data is the topic, and answers their ids. */
async function publishTo(worker: TestWorker, ...topics: string[]): Promise<string[]> {
  const token = await all(worker), ids = [];
  for (const topic of topics) ids.push((await publish(worker.hub, token, [["topic", topic], ["data", topic]])).body);
  return ids;
}

async function refusalOf(response: Response): Promise<[status: number, code: string]> {
  const { status, headers } = response;
  const refusal = readRefusal({ status, headers, text: await response.text() });
  return [refusal.status, refusal.code];
}

for (const [name, serve] of Object.entries(SERVERS)) {
  const test = (what: string, run: (worker: TestWorker) => Promise<void>) =>
    Deno.test(`query, ${name}: ${what}`, async () => {
      await using worker = await testWorker({ serve });
      await run(worker);
    });

  test("the matchers of the body and of the query are a union", async (worker) => {
    const token = await all(worker);
    const response = await queryStream(worker.hub, "match=a&match_urlpattern=/b/*", { query: "match=c", token });
    equal([response.status, response.headers.get("content-type")], [200, "text/event-stream"]);
    const read = readData(response, 3);
    await publishTo(worker, "a", "d", "/b/x", "c");
    equal(await read, ["a", "/b/x", "c"]);
  });

  test("a hundred matchers that no address could hold are a stream", async (worker) => {
    const matchers = Array.from({ length: MAX_MATCHERS }, (_, n) => `${n}${"t".repeat(1_000)}`);
    const body = new URLSearchParams(matchers.map((match) => ["match", match])).toString();
    const read = readData(await queryStream(worker.hub, body, { token: await all(worker) }), 1);
    await publishTo(worker, matchers[99]!);
    equal(await read, [matchers[99]!]);
  });

  test("a cursor may stand in the body; the one in the query beats it, and the header beats both", async (worker) => {
    const token = await all(worker), ids = await publishTo(worker, "1", "2", "3", "4");
    const [first, second, third] = ids.map((id) => `last_event_id=${encodeURIComponent(id)}`);
    const cursors = [
      [await queryStream(worker.hub, `match=*&${first}`, { token }), ids[0], ["2", "3", "4"]],
      [await queryStream(worker.hub, `match=*&${first}`, { token, query: second }), ids[1], ["3", "4"]],
      [
        await queryStream(worker.hub, `match=*&${first}`, {
          token,
          query: third,
          headers: { "last-event-id": ids[1]! },
        }),
        ids[1],
        ["3", "4"],
      ],
    ] as const;
    for (const [response, id, data] of cursors) {
      equal(response.headers.get("mercure-last-event-id"), id!);
      equal(await readData(response, data.length), [...data]);
    }
  });

  test("the rules for names and values are those of the query", async (worker) => {
    const token = await all(worker);
    const bodies = {
      "": "bad_matcher",
      "last_event_id=earliest": "bad_matcher",
      "match=a&matchExact=b": "bad_matcher",
      "match=a&MATCH=b": "bad_matcher",
      "match_regexp=a": "bad_matcher",
      "match=a%0A": "bad_matcher",
      "match_urlpattern=https://[": "bad_matcher",
      "match=%FF": "bad_request",
      "match=a&last_event_id=%00": "bad_cursor",
    };
    for (const [body, code] of Object.entries(bodies)) {
      equal(await refusalOf(await queryStream(worker.hub, body, { token })), [400, code], body);
      equal(await refusalOf(await queryStream(worker.hub, "match=a", { token, query: "Matches=a" })), [
        400,
        "bad_matcher",
      ]);
    }
    const too = "match=a&".repeat(MAX_MATCHERS);
    equal(await refusalOf(await queryStream(worker.hub, too, { token, query: "match=b" })), [400, "bad_matcher"]);
    equal(await refusalOf(await queryStream(worker.hub, new Uint8Array([0xff]), { token })), [400, "bad_request"]);
  });

  test("a body of another type, or of none, is 415", async (worker) => {
    const token = await all(worker);
    for (const type of ["application/json", "text/plain", "multipart/form-data; boundary=a"]) {
      const response = await queryStream(worker.hub, "match=a", { token, headers: { "content-type": type } });
      equal(await refusalOf(response), [415, "wrong_type"]);
    }
    const authorization = `Bearer ${token}`;
    const untyped = await fetch(worker.hub, { method: "QUERY", body: bytes("match=a"), headers: { authorization } });
    equal(await refusalOf(untyped), [415, "wrong_type"]);
  });

  test("a token comes as it does with GET, but a cookie needs an Origin", async (worker) => {
    equal(await refusalOf(await queryStream(worker.hub, "match=a")), [401, "missing_token"]);
    const token = await accessToken(worker, { publish: ["*"] });
    equal(await refusalOf(await queryStream(worker.hub, "match=a", { token })), [403, "insufficient_scope"]);
    const cookie = `${COOKIE}=${await all(worker)}`;
    equal(await refusalOf(await queryStream(worker.hub, "match=a", { headers: { cookie } })), [403, "origin_refused"]);
    const ours = await queryStream(worker.hub, "match=a", { headers: { cookie, origin: worker.url } });
    await ours.body?.cancel();
    equal(ours.status, 200);
  });

  test("any body is a stream or a documented refusal", async (worker) => {
    const token = await all(worker);
    const names = fc.constantFrom("match", "match_exact", "match_urlpattern", "last_event_id", "matches", "x");
    const form = fc.array(fc.tuple(names, text), { maxLength: 4 }).map((fields) =>
      new URLSearchParams(fields).toString()
    );
    await fc.assert(
      fc.asyncProperty(fc.oneof(form, fc.uint8Array({ maxLength: 200 })), async (body) => {
        const response = await queryStream(worker.hub, body as BodyInit, { token });
        if (response.status === 200) return await response.body?.cancel();
        equal((await refusalOf(response))[0], 400);
      }),
      { numRuns: 60 },
    );
  });

  // For a body that nobody reads, @hono/node-server keeps a timer of half a second.
  Deno.test({
    name: `query, ${name}: a body over the limit is 413`,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      await using worker = await testWorker({ serve });
      const token = await all(worker), body = `match=a&x=${"x".repeat(MAX_QUERY_BYTES)}`;
      equal(await refusalOf(await queryStream(worker.hub, body, { token })), [413, "too_large"]);
      ok((await worker.metrics.streamsEnded.get()).values.length === 0);
    },
  });
}

Deno.test("query: the hub says that it may be asked so", async () => {
  await using worker = await testWorker({ env: { CARILLON_ORIGINS: "https://app.example" } });
  const { headers, status, body } = await fetch(worker.hub, { method: "PUT" });
  await body?.cancel();
  equal([status, headers.get("allow")], [405, "GET, HEAD, QUERY, POST"]);
  const preflight = { origin: "https://app.example", "access-control-request-method": "QUERY" };
  const allowed = await fetch(worker.hub, { method: "OPTIONS", headers: preflight });
  await allowed.body?.cancel();
  ok(allowed.headers.get("access-control-allow-methods")?.includes("QUERY"));
});
