import { exportJWK } from "jose";
import fc from "fast-check";
import { PUSH_EVENT } from "../../src/access/security_events.ts";
import { equal, ok } from "../helpers/assert.ts";
import { bytes, checkNothingSaid, openKit, readAnswer, SET_TYPE } from "../helpers/bad_input.ts";
import { memoryKv } from "../helpers/broker.ts";
import { manualClock } from "../helpers/clock.ts";
import { readJournal } from "../helpers/journal.ts";
import { openJwksServer } from "../helpers/jwks_server.ts";
import { readRefusal } from "../helpers/refusal.ts";
import { setClaims, sign } from "../helpers/tokens.ts";
import { freshKey, postEvent, SECRET, securityEvent, testWorker } from "../helpers/worker.ts";

const AT = "2026-11-23T14:00:52Z";
const events = (...messages: unknown[]) => ({ events: { [PUSH_EVENT]: { messages } } });

/** The topics of what the journal holds. */
async function topics(worker: Parameters<typeof readJournal>[0]): Promise<string[]> {
  return (await readJournal(worker)).map(({ data }) => JSON.parse(data).topic);
}

/** Status, without the body that a 202 must not have. */
async function statusOf(sent: Promise<Response>): Promise<number> {
  const response = await sent;
  const text = await response.text();
  if (response.status === 202) equal(text, "");
  return response.status;
}

Deno.test("events: a SET is 202 with an empty body, and its changes are events in their order", async () => {
  await using worker = await testWorker();
  const set = await securityEvent(worker, ["a", { topic: "b", priority: 90, data: "x" }, "c"]);
  equal(await statusOf(postEvent(worker.url, set)), 202);
  const journal = await readJournal(worker);
  equal(journal.map(({ data }) => JSON.parse(data).topic), ["a", "b", "c"]);
  equal(JSON.parse(journal[1]!.data).priority, 90);
  equal(new Set(journal.map(({ id }) => id)).size, 3);
});

Deno.test("events: 500 changes in one SET are 500 events", async () => {
  await using worker = await testWorker();
  const messages = Array.from({ length: 500 }, (_, index) => ({ topic: `t${index}`, timestamp: AT }));
  equal(await statusOf(postEvent(worker.url, await securityEvent(worker, messages))), 202);
  equal(await topics(worker), messages.map(({ topic }) => topic));
});

Deno.test("events: a SET of just the limit is stored, though each change has both triggers and a long client-id", async () => {
  await using worker = await testWorker();
  const message = { topic: "a", timestamp: AT, update: ["content", "property"], "client-id": "c".repeat(1000) };
  const set = await securityEvent(worker, Array(31).fill(message));
  ok(set.length <= 48 * 1024);
  equal(await statusOf(postEvent(worker.url, set)), 202);
  equal((await readJournal(worker)).length, 31);
});

Deno.test("events: every kind of issuer may ring for its topics", async () => {
  const keys = { ES256: await freshKey("ES256"), RS256: await freshKey("RS256") };
  const entries = await Promise.all(
    Object.entries(keys).map(async ([iss, { publicKey }]) => (
      { iss, jwks: { keys: [await exportJWK(publicKey)] }, topics: ["https://dav.example/*"] }
    )),
  );
  const CARILLON_ISSUERS = JSON.stringify([...entries, {
    iss: "HS256",
    secret: SECRET,
    topics: ["https://dav.example/*"],
  }]);
  await using worker = await testWorker({ env: { CARILLON_ISSUERS } });
  const signers = { ES256: keys.ES256.privateKey, RS256: keys.RS256.privateKey, HS256: bytes(SECRET) };
  for (const [alg, key] of Object.entries(signers)) {
    const claims = setClaims(worker.url, {
      iss: alg,
      ...events({ topic: `https://dav.example/${alg}`, timestamp: AT }),
    });
    const set = await sign(key, { alg, typ: "secevent+jwt" }, claims);
    equal(await statusOf(postEvent(worker.url, set)), 202);
  }
  equal(await topics(worker), ["ES256", "RS256", "HS256"].map((alg) => `https://dav.example/${alg}`));
});

Deno.test("events: white space around the token and a parameter of its type do no harm", async () => {
  await using kit = await openKit();
  equal(await statusOf(kit.post("/-/events", `${SET_TYPE}; charset=utf-8`, `\n${await kit.set()}\r\n`)), 202);
  equal(await topics(kit.worker), ["a"]);
});

Deno.test("events: a replayed jti is 202 again and no second event", async () => {
  await using worker = await testWorker();
  const set = await securityEvent(worker, ["a"], { jti: "once" });
  for (let times = 0; times < 3; times++) equal(await statusOf(postEvent(worker.url, set)), 202);
  equal(await statusOf(postEvent(worker.url, await securityEvent(worker, ["other"], { jti: "once" }))), 202);
  equal(await topics(worker), ["a"]);
});

Deno.test("events: a jti that comes several times at once is one event, each of them 202", async () => {
  await using worker = await testWorker();
  const sets = await Promise.all(
    Array.from({ length: 5 }, (_, jti) => securityEvent(worker, [`t${jti}`], { jti: `${jti}` })),
  );
  const statuses = await Promise.all(
    Array.from({ length: 60 }, (_, n) => statusOf(postEvent(worker.url, sets[n % 5]!))),
  );
  equal(new Set(statuses), new Set([202]));
  equal((await topics(worker)).sort(), ["t0", "t1", "t2", "t3", "t4"]);
  equal((await worker.metrics.replayed.get()).values[0]?.value, 55);
});

Deno.test("events: a jti at once at two workers of one database is one event", async () => {
  await using one = await testWorker();
  await using two = await testWorker({ kv: one.kv });
  const claims = setClaims([one.url, two.url]);
  const set = await sign(one.local.privateKey, { alg: "EdDSA", typ: "secevent+jwt" }, claims);
  const statuses = await Promise.all([one, two, one, two].map(({ url }) => statusOf(postEvent(url, set))));
  equal(statuses, [202, 202, 202, 202]);
  for (const worker of [one, two]) equal(await topics(worker), ["a"]);
});

Deno.test("events: a jti is known after a restart", async () => {
  await using kv = await memoryKv();
  const before = await testWorker({ kv });
  const claims = setClaims(before.url, { jti: "once" });
  const send = async (url: string, local: typeof before.local) =>
    await statusOf(
      postEvent(url, await sign(local.privateKey, { alg: "EdDSA", typ: "secevent+jwt" }, { ...claims, aud: url })),
    );
  equal(await send(before.url, before.local), 202);
  await before.stop();
  const after = await testWorker({ kv });
  equal(await send(after.url, after.local), 202);
  equal(await topics(after), ["a"]);
  await after.stop();
});

Deno.test("events: the same jti of another issuer is another event", async () => {
  const CARILLON_ISSUERS = JSON.stringify([{ iss: "shared", secret: SECRET, topics: ["*"] }]);
  await using worker = await testWorker({ env: { CARILLON_ISSUERS } });
  const claims = setClaims(worker.url, { iss: "shared", jti: "once" });
  equal(await statusOf(postEvent(worker.url, await securityEvent(worker, ["local"], { jti: "once" }))), 202);
  equal(
    await statusOf(postEvent(worker.url, await sign(bytes(SECRET), { alg: "HS256", typ: "secevent+jwt" }, claims))),
    202,
  );
  equal(await topics(worker), ["local", "a"]);
});

Deno.test("events: a SET that was refused may be sent again corrected, under the same jti", async () => {
  await using worker = await testWorker();
  equal(await statusOf(postEvent(worker.url, await securityEvent(worker, ["*"], { jti: "once" }))), 400);
  equal(await statusOf(postEvent(worker.url, await securityEvent(worker, ["a"], { jti: "once" }))), 202);
  equal(await topics(worker), ["a"]);
});

Deno.test("events: freshness is told by the injected clock", async () => {
  const clock = manualClock(Date.UTC(2030, 0, 1));
  await using worker = await testWorker({ clock });
  const iat = clock.now() / 1000;
  equal(await statusOf(postEvent(worker.url, await securityEvent(worker, ["a"], { iat }))), 202);
  equal(await statusOf(postEvent(worker.url, await securityEvent(worker, ["a"]))), 400);
  clock.advance(25 * 3_600_000);
  equal(await statusOf(postEvent(worker.url, await securityEvent(worker, ["a"], { iat }))), 400);
});

Deno.test("events: unknown members of the SET, its events and its messages are ignored", async () => {
  await using kit = await openKit();
  const message = { topic: "a", timestamp: AT, "x-new": { deep: [1, null] } };
  const set = await kit.set({ ...events(message), txn: "t", sub_id: { format: "opaque", id: "x" } }, { x: 1 });
  equal(await statusOf(kit.event(set)), 202);
  equal(await topics(kit.worker), ["a"]);
});

Deno.test("events: while an issuer's key set is down its SETs are 503 and nothing is stored, those of others are", async () => {
  await using server = openJwksServer([], "/oauth/keys");
  server.state.answer = new Response("down", { status: 500 });
  const CARILLON_ISSUERS = JSON.stringify([{ iss: "remote", jwks_uri: server.url, topics: ["*"] }]);
  await using worker = await testWorker({ env: { CARILLON_ISSUERS } });
  const { privateKey } = await freshKey("EdDSA");
  const response = await postEvent(
    worker.url,
    await sign(privateKey, { alg: "EdDSA", typ: "secevent+jwt" }, setClaims(worker.url, { iss: "remote" })),
  );
  const { status, code } = readRefusal({
    status: response.status,
    headers: response.headers,
    text: await response.text(),
  });
  equal([status, code], [503, "keys_unavailable"]);
  equal(await statusOf(postEvent(worker.url, await securityEvent(worker, ["b"]))), 202);
  equal(await topics(worker), ["b"]);
});

Deno.test("events: an issuer's key set by address is fetched once for many SETs", async () => {
  const { publicKey, privateKey } = await freshKey("EdDSA");
  await using server = openJwksServer([await exportJWK(publicKey)]);
  const CARILLON_ISSUERS = JSON.stringify([{ iss: "remote", jwks_uri: server.url, topics: ["*"] }]);
  await using worker = await testWorker({ env: { CARILLON_ISSUERS } });
  for (let times = 0; times < 5; times++) {
    const set = await sign(privateKey, { alg: "EdDSA", typ: "secevent+jwt" }, setClaims(worker.url, { iss: "remote" }));
    equal(await statusOf(postEvent(worker.url, set)), 202);
  }
  equal([(await topics(worker)).length, server.state.fetches], [5, 1]);
});

Deno.test("events: any bytes are refused in the form of the protocol, and nothing is said of them", async () => {
  await using kit = await openKit();
  const good = await kit.set();
  const mangled = fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 33, max: 126 })).map(([at, code]) =>
    good.slice(0, at) + String.fromCharCode(code) + good.slice(at + 1)
  ).filter((text) => text !== good);
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 400 }),
    fc.string(),
    mangled,
    fc.tuple(fc.json(), fc.json()).map((parts) => parts.join(".")),
  );
  await fc.assert(
    fc.asyncProperty(body, fc.constantFrom(SET_TYPE, SET_TYPE, "text/plain", "a/b;c"), async (body, type) => {
      const { status } = await readAnswer(kit, await kit.post("/-/events", type, body as BodyInit));
      // A last letter of base64url can change without changing the signature's bytes.
      ok(status === 400 || status === 415 || (status === 202 && typeof body === "string"), `${status}`);
    }),
    { numRuns: 150 },
  );
  await checkNothingSaid(kit);
});
