/** Limits that hold, the same over both servers: streams in all and of one subject, memory, and the rate of an issuer. */
import { PUSH_EVENT } from "../../src/access/security_events.ts";
import { HUB_PATH } from "../../src/app.ts";
import { serveDeno } from "../../src/serve/deno_serve.ts";
import { serveNode } from "../../src/serve/node_http.ts";
import { equal } from "../helpers/assert.ts";
import { bytes, FORM_TYPE } from "../helpers/bad_input.ts";
import { manualClock } from "../helpers/clock.ts";
import { openStream, type Reading } from "../helpers/event_source.ts";
import { readJournal } from "../helpers/journal.ts";
import { readRefusal } from "../helpers/refusal.ts";
import { accessClaims, grant, setClaims, sign } from "../helpers/tokens.ts";
import { accessToken, postEvent, ring, SECRET, securityEvent, type TestWorker, testWorker } from "../helpers/worker.ts";

const SERVERS = { "node:http": serveNode, "Deno.serve": serveDeno };

/** A token to listen, of a subject or of none. */
const tokenOf = (worker: TestWorker, sub?: string) => accessToken(worker, { subscribe: ["*"], claims: { sub } });

/** What a request for a stream is refused with. */
async function refusalOf(worker: TestWorker, token?: string, query = "match=a") {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return await read(fetch(`${worker.hub}?${query}`, { headers }));
}

async function read(sent: Promise<Response>): Promise<[status: number, code: string]> {
  const response = await sent;
  const { headers } = response;
  const { status, code } = readRefusal({ status: response.status, headers, text: await response.text() });
  return [status, code];
}

/** Opens a stream of the topic `a`; who left it may be seen a moment later. */
async function open(worker: TestWorker, token: string): Promise<Reading> {
  for (;;) {
    const stream = await openStream(worker.hub, "match=a", token);
    if (stream.response.status === 200) return stream;
  }
}

const closeAll = (streams: Reading[]) => Promise.all(streams.map((stream) => stream.close()));

for (const [name, serve] of Object.entries(SERVERS)) {
  const test = (what: string, fn: () => Promise<void>) => Deno.test(`limits, ${name}: ${what}`, fn);

  test("beyond the streams of a worker one more is 503 before its token is looked at, until somebody leaves", async () => {
    await using worker = await testWorker({ serve, env: { CARILLON_MAX_STREAMS: "3" } });
    const token = await tokenOf(worker, "alice");
    const streams = [await open(worker, token), await open(worker, token), await open(worker, token)];
    for (const each of [token, "no.token.at-all", undefined]) {
      equal(await refusalOf(worker, each), [503, "streams_full"]);
    }
    equal(await (await fetch(`${worker.url}/-/ready`)).text(), "ready\n");
    await streams.pop()!.close();
    streams.push(await open(worker, token));
    await closeAll(streams);
  });

  test("however many ask at once, no more streams live than may", async () => {
    await using worker = await testWorker({ serve, env: { CARILLON_MAX_STREAMS: "10" } });
    const token = await tokenOf(worker);
    const asked = await Promise.all(Array.from({ length: 60 }, () => openStream(worker.hub, "match=a", token)));
    equal((await worker.metrics.streamsOpen.get()).values[0]?.value, 10);
    await closeAll(asked);
  });

  test("a subject has no more streams than its own, by whichever token, and before the database is asked", async () => {
    const kv = await Deno.openKv(":memory:");
    const worker = await testWorker({ serve, kv, env: { CARILLON_MAX_SUBJECT_STREAMS: "2" } });
    const streams = [
      await open(worker, await tokenOf(worker, "alice")),
      await open(worker, await tokenOf(worker, "alice")),
    ];
    streams.push(await open(worker, await tokenOf(worker, "bob")));
    kv.close();
    const alice = await tokenOf(worker, "alice");
    equal(await refusalOf(worker, alice, "match=a&last_event_id=unknown"), [429, "too_many_streams"]);
    equal(await refusalOf(worker, await tokenOf(worker, "bob"), "match=a&last_event_id=unknown"), [503, "kv_failed"]);
    await streams.shift()!.close();
    streams.push(await open(worker, alice));
    await closeAll(streams);
    await worker.stop();
  });

  test("readers without a subject, or without a token, are counted in all alone", async () => {
    const env = { CARILLON_MAX_SUBJECT_STREAMS: "1", CARILLON_MAX_STREAMS: "6", CARILLON_ANONYMOUS: "true" };
    await using worker = await testWorker({ serve, env });
    const token = await tokenOf(worker);
    const readers = [token, token, token, undefined, undefined, undefined];
    const streams = await Promise.all(readers.map((each) => openStream(worker.hub, "match=a", each)));
    equal(streams.map(({ response }) => response.status), readers.map(() => 200));
    equal(await refusalOf(worker), [503, "streams_full"]);
    await closeAll(streams);
  });

  test("while memory is short no stream is added, those that are open stay, and the worker is ready and publishes", async () => {
    const memory = { used: 0, limit: 100 };
    const clock = manualClock(Date.now());
    await using worker = await testWorker({ serve, clock, readMemory: () => [memory] });
    const token = await accessToken(worker, { subscribe: ["*"], expires: "200h" });
    await using stream = await open(worker, token);
    const isShort = async () => (await worker.metrics.memoryShort.get()).values[0]?.value;
    const tickUntil = async (short: number) => {
      while (await isShort() !== short) (clock.advance(1_000), await new Promise((resolve) => setTimeout(resolve)));
    };
    memory.used = 95;
    await tickUntil(1);
    equal(await refusalOf(worker, token), [503, "memory_short"]);
    equal(await (await fetch(`${worker.url}/-/ready`)).text(), "ready\n");
    const iat = Math.floor(clock.now() / 1000);
    await (await postEvent(worker.url, await securityEvent(worker, ["a"], { iat }))).body?.cancel();
    await stream.until(() => stream.events.length === 1);
    memory.used = 10;
    await tickUntil(0);
    await (await open(worker, token)).close();
  });
}

/** Issuers with a shared secret; `dav` may publish ten changes a second. */
const CARILLON_ISSUERS = JSON.stringify([
  { iss: "dav", secret: SECRET, topics: ["*"], rate: 10 },
  { iss: "other", secret: SECRET, topics: ["*"] },
]);

const messagesOf = (count: number) => ({
  messages: Array.from({ length: count }, () => ({ topic: "a", timestamp: "2026-11-23T14:00:52Z" })),
});

/** A worker whose clock stands still, and every way to publish so many changes as an issuer. */
async function openPublishing() {
  const clock = manualClock(Date.now());
  const worker = await testWorker({ clock, env: { CARILLON_ISSUERS } });
  const set = async (iss: string, count: number, key = SECRET) => {
    const claims = setClaims(worker.url, { iss, events: { [PUSH_EVENT]: messagesOf(count) } });
    return await postEvent(worker.url, await sign(bytes(key), { alg: "HS256", typ: "secevent+jwt" }, claims));
  };
  const post = async (path: string, type: string, iss: string, body: string, topic = "a") => {
    const claims = accessClaims(worker.url, [grant(["publish"], [{ match: topic }])], { iss });
    const authorization = `Bearer ${await sign(bytes(SECRET), { alg: "HS256", typ: "at+jwt" }, claims)}`;
    return await fetch(worker.url + path, { method: "POST", body, headers: { "content-type": type, authorization } });
  };
  const push = (iss: string, count: number, topic?: string) =>
    post("/-/gateway", "application/json", iss, JSON.stringify({ push: messagesOf(count) }), topic);
  const update = (iss: string, topic?: string) => post(HUB_PATH, FORM_TYPE, iss, "topic=a", topic);
  return { worker, clock, set, push, update, [Symbol.asyncDispose]: worker.stop };
}

async function statusOf(sent: Promise<Response>): Promise<number> {
  const response = await sent;
  await response.body?.cancel();
  return response.status;
}

Deno.test("limits: an issuer's rate counts changes, over all doors together, and what is refused is not stored", async () => {
  await using kit = await openPublishing();
  const { worker, clock, set, push, update } = kit;
  equal([await statusOf(set("dav", 4)), await statusOf(push("dav", 5)), await statusOf(update("dav"))], [
    202,
    200,
    200,
  ]);
  for (const refused of [set("dav", 1), push("dav", 1), update("dav")]) {
    equal(await read(refused), [429, "too_many_changes"]);
  }
  equal((await readJournal(worker)).length, 10);
  clock.advance(1_000);
  equal([await statusOf(set("dav", 4)), await statusOf(push("dav", 5)), await statusOf(update("dav"))], [
    202,
    200,
    200,
  ]);
  equal(await read(set("dav", 1)), [429, "too_many_changes"]);
  equal((await readJournal(worker)).length, 20);
});

Deno.test("limits: one issuer's rate is nobody else's, and the local issuer has none", async () => {
  await using kit = await openPublishing();
  const { worker, set } = kit;
  equal([await statusOf(set("dav", 10)), await statusOf(set("dav", 1)), await statusOf(set("other", 1))], [
    202,
    429,
    202,
  ]);
  for (let n = 0; n < 25; n++) await ring(worker, ...Array<string>(500).fill("a"));
});

Deno.test("limits: an issuer pays for nothing that is not its own or that it may not do", async () => {
  await using kit = await openPublishing();
  const { worker, set, push, update } = kit;
  for (let n = 0; n < 20; n++) {
    equal(await statusOf(set("dav", 10, "a secret of a stranger, long enough for HS256")), 400);
    equal([await statusOf(push("dav", 10, "b")), await statusOf(update("dav", "b"))], [403, 403]);
  }
  equal([await statusOf(set("dav", 10)), (await readJournal(worker)).length], [202, 10]);
});

Deno.test("limits: a message larger than the rate is taken, and Retry-After says when it is paid for", async () => {
  await using kit = await openPublishing();
  const { clock, set } = kit;
  equal(await statusOf(set("dav", 45)), 202);
  const refused = await set("dav", 1);
  await refused.body?.cancel();
  equal([refused.status, refused.headers.get("retry-after")], [429, "4"]);
  clock.advance(4_000);
  equal(await statusOf(set("dav", 1)), 202);
});
