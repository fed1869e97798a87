/** The contract of an event stream, the same over both servers. */
import fc from "fast-check";
import { LIMITS } from "../../src/broker/stream.ts";
import { serveDeno } from "../../src/serve/deno_serve.ts";
import { serveNode } from "../../src/serve/node_http.ts";
import { equal, ok } from "../helpers/assert.ts";
import { text } from "../helpers/arbitraries.ts";
import { memoryKv } from "../helpers/broker.ts";
import { manualClock } from "../helpers/clock.ts";
import { openStream, type Reading } from "../helpers/event_source.ts";
import { readRefusal } from "../helpers/refusal.ts";
import { accessToken, publish, ring, type TestWorker, testWorker } from "../helpers/worker.ts";

const SERVERS = { "node:http": serveNode, "Deno.serve": serveDeno };
const HOUR = 3_600_000;

const data = ({ events }: Reading) => events.map((event) => event.data);
const all = (worker: TestWorker) => accessToken(worker, { subscribe: ["*"], publish: ["*"], expires: "200h" });
const openStreams = async ({ metrics }: TestWorker) => (await metrics.streamsOpen.get()).values[0]?.value ?? 0;

/** Publishes updates with this data to the topic `a`, and answers their ids. */
async function publishAll(worker: TestWorker, ...texts: string[]): Promise<string[]> {
  const token = await all(worker);
  const ids = [];
  for (const text of texts) ids.push((await publish(worker.hub, token, [["topic", "a"], ["data", text]])).body);
  return ids;
}

/** Opens a stream of the topic `a` at a cursor, and waits for so many events. */
async function resume(
  worker: TestWorker,
  cursor: string,
  count: number,
  headers?: Record<string, string>,
): Promise<Reading> {
  const stream = await openStream(worker.hub, `match=a&last_event_id=${cursor}`, await all(worker), headers);
  await stream.until(() => stream.events.length >= count);
  return stream;
}

for (const [name, serve] of Object.entries(SERVERS)) {
  const test = (what: string, run: () => Promise<void>) => Deno.test(`stream, ${name}: ${what}`, run);

  test("events arrive as they are published, in their order, each once", async () => {
    await using worker = await testWorker({ serve });
    await using stream = await openStream(worker.hub, "match=a", await all(worker));
    await publishAll(worker, "1", "2\n3", "");
    await ring(worker, "a");
    await stream.until(() => stream.events.length === 4);
    equal(data(stream).slice(0, 3), ["1", "2\n3", ""]);
    equal(JSON.parse(data(stream)[3]!).topic, "a");
  });

  test("the matchers of a request are a union, of every kind and spelling", async () => {
    await using worker = await testWorker({ serve });
    const query = `match=a&match_exact=b&match_urlpattern=${encodeURIComponent("https://dav.example/:user/*")}`;
    await using stream = await openStream(worker.hub, query, await all(worker));
    await ring(worker, "a", "c", "b", "https://dav.example/alice/work/", "https://dav.example/alice", "/a");
    await ring(worker, { topic: "a", data: "last" });
    await stream.until(() => data(stream).some((text) => text.includes("last")));
    equal(data(stream).map((text) => JSON.parse(text).topic), ["a", "b", "https://dav.example/alice/work/", "a"]);
  });

  test("what is private is shown with a grant alone, also in a replay", async () => {
    await using worker = await testWorker({ serve });
    const token = await accessToken(worker, { subscribe: ["a"] });
    await ring(worker, "a", "b");
    await publishAll(worker, "public");
    await using stream = await openStream(worker.hub, "match=*&last_event_id=earliest", token);
    await ring(worker, "b", { topic: "a", data: "live" });
    await stream.until(() => stream.events.length >= 3);
    equal(data(stream).map((text) => text === "public" ? text : JSON.parse(text).topic), ["a", "public", "a"]);
  });

  test("anonymous readers are let in where the setting says so, to what is public", async () => {
    await using worker = await testWorker({ serve, env: { CARILLON_ANONYMOUS: "true" } });
    await using stream = await openStream(worker.hub, "match=*");
    await ring(worker, "a");
    await publishAll(worker, "public");
    await stream.until(() => stream.events.length === 1);
    equal(data(stream), ["public"]);
    const wrong = await fetch(`${worker.hub}?match=*`, { headers: { authorization: "Bearer garbage" } });
    equal([wrong.status, (await wrong.json()).code], [401, "invalid_token"]);
  });

  test("a reader resumes behind its last event, by header or query, and the header wins", async () => {
    await using worker = await testWorker({ serve });
    const [first, second] = await publishAll(worker, "1", "2", "3");
    await using byQuery = await resume(worker, first!, 2);
    await using byHeader = await resume(worker, first!, 1, { "last-event-id": second! });
    equal([data(byQuery), data(byHeader)], [["2", "3"], ["3"]]);
    equal([byQuery, byHeader].map(({ response }) => response.headers.get("mercure-last-event-id")), [first!, second!]);
  });

  test("earliest shows everything that is held, and is no loss", async () => {
    await using worker = await testWorker({ serve });
    await publishAll(worker, "1", "2");
    await using stream = await resume(worker, "earliest", 2);
    equal([data(stream), stream.response.headers.get("mercure-last-event-id")], [["1", "2"], "earliest"]);
  });

  test("without a cursor, or with an empty one, only what is new is shown; to an empty one the header says after what", async () => {
    await using worker = await testWorker({ serve });
    let [newest] = await publishAll(worker, "old");
    // Shown to a reader of all, so followed: what is acknowledged may take a moment until then.
    await (await resume(worker, "earliest", 1)).close();
    for (const query of ["match=a", "match=a&last_event_id="]) {
      await using stream = await openStream(worker.hub, query, await all(worker));
      equal(stream.response.headers.get("mercure-last-event-id"), query === "match=a" ? null : newest!);
      [newest] = await publishAll(worker, "new");
      await stream.until(() => stream.events.length > 0);
      equal(data(stream), ["new"]);
    }
  });

  test("an empty cursor at a hub without any event is at its beginning", async () => {
    await using worker = await testWorker({ serve });
    await using stream = await openStream(worker.hub, "match=a&last_event_id=", await all(worker));
    equal(stream.response.headers.get("mercure-last-event-id"), "earliest");
    await publishAll(worker, "first");
    await stream.until(() => stream.events.length > 0);
    equal(data(stream), ["first"]);
  });

  test("of several events with one id of their publisher's the first is resumed from", async () => {
    await using worker = await testWorker({ serve });
    const token = await all(worker);
    for (const text of ["1", "2", "3"]) {
      await publish(worker.hub, token, [["topic", "a"], ["data", text], ["id", "urn:again"]]);
    }
    await using stream = await resume(worker, "urn:again", 2);
    equal([data(stream), stream.response.headers.get("mercure-last-event-id")], [["2", "3"], "urn:again"]);
  });

  test("a publisher's own id is resumed from", async () => {
    await using worker = await testWorker({ serve });
    const token = await all(worker);
    await publish(worker.hub, token, [["topic", "a"], ["data", "1"], ["id", "urn:own:1"]]);
    await publishAll(worker, "2");
    await using stream = await resume(worker, encodeURIComponent("urn:own:1"), 1);
    equal(data(stream), ["2"]);
  });

  const strangers: Record<string, (id: string) => string> = {
    "of another database": (id) => `#zzzzzzzz${id.slice(9)}`,
    "from the future": (id) => `${id.slice(0, 9)}.${"f".repeat(20)}.0`,
    "behind the last of its batch": (id) => `${id.slice(0, -1)}9`,
    "that nobody ever gave": () => "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    "in the form of no hub": () => "42",
  };
  for (const [what, idOf] of Object.entries(strangers)) {
    test(`an id ${what} is told that something was lost, and shown everything`, async () => {
      await using worker = await testWorker({ serve });
      const [, last] = await publishAll(worker, "1", "2");
      await using stream = await resume(worker, idOf(last!), 3);
      equal(stream.events.map(({ type, data }) => [type, data]), [["lost", "earliest"], ["message", "1"], [
        "message",
        "2",
      ]]);
      equal(stream.response.headers.get("mercure-last-event-id"), "earliest");
    });
  }

  test("an id from before retention is told so, also by a worker that was started since", async () => {
    await using kv = await memoryKv();
    const clock = manualClock(Date.now());
    const first = await testWorker({ serve, kv, clock });
    const [before] = await publishAll(first, "old 1", "old 2");
    clock.advance(23 * HOUR);
    const [kept] = await publishAll(first, "new 1", "new 2");
    clock.advance(2 * HOUR);
    await first.minute();
    await first.stop();
    await using worker = await testWorker({ serve, kv, clock });
    await using lost = await resume(worker, before!, 2);
    equal(lost.events.map(({ type, data }) => [type, data]), [["lost", "earliest"], ["message", "new 1"], [
      "message",
      "new 2",
    ]]);
    await using resumed = await resume(worker, kept!, 1);
    equal(data(resumed), ["new 2"]);
  });

  test("an id that fell out of memory but not out of the journal is resumed from", async () => {
    await using worker = await testWorker({ serve, limits: { ring: { bytes: 1e6, events: 2 } } });
    const [first] = await publishAll(worker, "1", "2", "3", "4", "5");
    await using stream = await resume(worker, first!, 4);
    equal(data(stream), ["2", "3", "4", "5"]);
  });

  test("between replay and live there is neither gap nor double", async () => {
    await using worker = await testWorker({ serve, limits: { ring: { bytes: 1e6, events: 20 } } });
    const texts = Array.from({ length: 120 }, (_, index) => `${index}`);
    await publishAll(worker, ...texts.slice(0, 60));
    const publishing = publishAll(worker, ...texts.slice(60));
    const streams = await Promise.all(Array.from({ length: 5 }, () => resume(worker, "earliest", texts.length)));
    await publishing;
    for (const stream of streams) {
      equal(data(stream), texts);
      await stream.close();
    }
  });

  test("HEAD has the headers of a stream, and opens none", async () => {
    const worker = await testWorker({ serve });
    const headers = { authorization: `Bearer ${await all(worker)}` };
    const response = await fetch(`${worker.hub}?match=a&last_event_id=earliest`, { method: "HEAD", headers });
    equal([response.status, await response.text()], [200, ""]);
    equal(["content-type", "mercure-last-event-id"].map((name) => response.headers.get(name)), [
      "text/event-stream",
      "earliest",
    ]);
    equal((await fetch(`${worker.hub}?match=a`, { method: "HEAD" })).status, 401);
    equal((await fetch(worker.hub, { method: "HEAD", headers })).status, 400);
    await worker.stop();
    equal([await openStreams(worker), (await worker.metrics.streamsEnded.get()).values], [0, []]);
  });

  test("a request that is refused opens no stream", async () => {
    const worker = await testWorker({ serve });
    for (const query of ["match=a", "nothing"]) await (await fetch(`${worker.hub}?${query}`)).body?.cancel();
    await worker.stop();
    equal([await openStreams(worker), (await worker.metrics.streamsEnded.get()).values], [0, []]);
  });

  test("a stream ends with its token, and tells when to come back", async () => {
    const clock = manualClock(Date.now());
    await using worker = await testWorker({ serve, clock });
    await using stream = await openStream(
      worker.hub,
      "match=a",
      // By the test's own clock: the real one may have gone on to the next second.
      await accessToken(worker, { subscribe: ["*"], expires: Math.floor(clock.now() / 1000) + 60 }),
    );
    clock.advance(50_000);
    await publishAll(worker, "still here");
    await stream.until(() => stream.events.length === 1);
    clock.advance(10_000);
    await stream.until(() => stream.state.ended);
    ok(stream.state.retry >= LIMITS.retry);
    equal(await openStreams(worker), 0);
  });

  test("a keep-alive moves the reader's last id past what it was not shown", async () => {
    const clock = manualClock(Date.now());
    await using worker = await testWorker({ serve, clock });
    await using stream = await openStream(worker.hub, "match=nothing", await all(worker));
    const [id] = await publishAll(worker, "unseen");
    // A tick that the worker is still busy with is none: the clock goes on until one has reached the reader.
    for (let second = 0; second < 1_000 && stream.state.lastId !== id; second++) {
      clock.advance(1_000);
      await new Promise((resolve) => setTimeout(resolve));
    }
    equal(stream.state.lastId, id);
    equal(stream.events, []);
  });

  test("pages of the allowlist may read answers and refusals, no other page may, and nothing is reflected", async () => {
    await using worker = await testWorker({ serve, env: { CARILLON_ORIGINS: "https://app.example" } });
    const authorization = `Bearer ${await all(worker)}`;
    for (
      const [origin, allowed] of [["https://app.example", "https://app.example"], ["https://evil.example", null], [
        "null",
        null,
      ]] as const
    ) {
      const answers = [
        await fetch(`${worker.hub}?match=a`, { headers: { origin, authorization } }),
        await fetch(`${worker.hub}?match=a`, { headers: { origin } }),
        await fetch(worker.hub, { method: "OPTIONS", headers: { origin, "access-control-request-method": "POST" } }),
      ];
      for (const { headers, body } of answers) {
        equal(headers.get("access-control-allow-origin"), allowed);
        if (allowed) ok(headers.get("vary")?.includes("Origin"));
        await body?.cancel();
      }
      equal(
        answers[0]!.headers.get("access-control-expose-headers")?.toLowerCase().includes("mercure-last-event-id"),
        true,
      );
    }
  });

  test("without an allowlist there is no CORS at all", async () => {
    await using worker = await testWorker({ serve });
    const preflight = { origin: "https://app.example", "access-control-request-method": "GET" };
    for (const method of ["GET", "OPTIONS"]) {
      const { headers, status, body } = await fetch(worker.hub, { method, headers: preflight });
      equal([[...headers.keys()].filter((key) => key.startsWith("access-control")), status], [
        [],
        method === "GET" ? 401 : 405,
      ]);
      await body?.cancel();
    }
  });

  test("any query and any id are a stream or a documented refusal", async () => {
    await using worker = await testWorker({ serve });
    const authorization = `Bearer ${await all(worker)}`;
    const parameter = fc.tuple(
      fc.constantFrom("match", "match_exact", "match_urlpattern", "last_event_id", "matches", "x", "%FF"),
      fc.oneof(
        text.map((value) => encodeURIComponent(value.toWellFormed())),
        fc.string({ unit: fc.constantFrom(..."%aF+*/:(){}?&=") }),
      ),
    ).map((pair) => pair.join("="));
    const header = fc.option(
      fc.string({
        unit: fc.integer({ min: 33, max: 255 }).filter((code) => code !== 127).map((code) => String.fromCharCode(code)),
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(parameter, { maxLength: 4 }), header, async (query, id) => {
        const headers: Record<string, string> = { authorization, ...(id !== null && { "last-event-id": id }) };
        const response = await fetch(`${worker.hub}?${query.join("&").replaceAll("#", "")}`, { headers });
        if (response.status === 200) return await response.body?.cancel();
        const { status } = readRefusal({
          status: response.status,
          headers: response.headers,
          text: await response.text(),
        });
        equal(status, 400);
      }),
      { numRuns: 100 },
    );
    while (await openStreams(worker) > 0) await new Promise((resolve) => setTimeout(resolve));
  });
}
