import fc from "fast-check";
import { equal, ok } from "../helpers/assert.ts";
import { pushMessage } from "../helpers/arbitraries.ts";
import { checkNothingSaid, COOKIE, openKit, readAnswer } from "../helpers/bad_input.ts";
import { subscribe, subscription } from "../helpers/engine.ts";
import { openStream } from "../helpers/event_source.ts";
import { readJournal } from "../helpers/journal.ts";
import { grant } from "../helpers/tokens.ts";
import { accessToken, testWorker } from "../helpers/worker.ts";

const AT = "2026-11-23T14:00:52Z";
const message = (topic: string, more: Record<string, unknown> = {}) => ({ topic, timestamp: AT, ...more });
const push = (...messages: unknown[]) => JSON.stringify({ push: { messages } });

async function json(sent: Promise<Response>): Promise<[status: number, body: unknown]> {
  const response = await sent;
  ok(response.headers.get("content-type")?.startsWith("application/json"));
  return [response.status, await response.json()];
}

/** The messages that the journal holds, as a listener reads them. */
async function messages(worker: Parameters<typeof readJournal>[0]): Promise<Record<string, unknown>[]> {
  return (await readJournal(worker)).map(({ data }) => JSON.parse(data));
}

const unheard = (...topics: string[]) => ({
  "push-response": { "no-subscribers": topics.map((topic) => ({ topic })) },
});

// CalConnect cc-dav-push, draft-gajda-dav-push-00: sample messages.
Deno.test("gateway: the draft's sample push is answered as the draft says, and its two changes are events", async () => {
  await using kit = await openKit();
  const sample = await Deno.readTextFile(new URL("../fixtures/push-request.json", import.meta.url));
  equal(await json(kit.gateway(sample)), [200, unheard("123", "abc")]);
  equal((await messages(kit.worker)).map(({ topic, priority, "client-id": client }) => [topic, priority, client]), [
    ["123", 100, "xyz"],
    ["abc", 0, undefined],
  ]);
});

Deno.test("gateway: the draft's sample request for transports is answered with Web Push, its key and its interval", async () => {
  await using kit = await openKit();
  const [status, body] = await json(kit.gateway('{"push-transports": []}'));
  const [{ transport }] = (body as { "push-transports": [{ transport: Record<string, unknown> }] })["push-transports"];
  equal([status, transport["transport-uri"], transport["refresh-interval"]], [200, "urn:ietf:rfc:8030", 604_800]);
  const data = transport["transport-data"] as Record<string, string>;
  equal([Object.keys(data), data["vapid-public-key"]!.length], [["vapid-public-key"], 87]);
  equal(await messages(kit.worker), []);
});

Deno.test("gateway: messages may stand in an array, as the draft's grammar has it", async () => {
  await using kit = await openKit();
  equal(await json(kit.gateway(JSON.stringify({ push: [message("a"), message("b")] }))), [200, unheard("a", "b")]);
  equal((await messages(kit.worker)).map(({ topic }) => topic), ["a", "b"]);
});

Deno.test("gateway: unknown members are ignored, wherever they stand and come", async () => {
  await using kit = await openKit();
  const body = {
    "x-first": { deep: 1 },
    push: { messages: [message("a", { "x-new": [] })], "x-other": 1 },
    version: 2,
  };
  equal(await json(kit.gateway(JSON.stringify(body))), [200, unheard("a")]);
  equal((await messages(kit.worker)).length, 1);
});

Deno.test("gateway: an unknown message is named, and nothing of its value", async () => {
  await using kit = await openKit();
  const subscribe = { "push-unsubscribe": { topics: ["123"], transport: { "client-data": "secret-client-data" } } };
  const response = await kit.gateway(JSON.stringify(subscribe));
  const { code, detail } = await response.json();
  equal([response.status, code, detail.includes("push-unsubscribe"), detail.includes("secret")], [
    400,
    "unknown_message",
    true,
    false,
  ]);
});

Deno.test("gateway: topics without a grant are all named, each once, and nothing is stored", async () => {
  await using kit = await openKit();
  const token = await kit.token([grant(["publish"], [{ match: "https://dav.example/*", match_type: "urlpattern" }])]);
  const body = push(message("b"), message("https://dav.example/x"), message("a"), message("b"));
  equal(await json(kit.gateway(body, token)), [403, { error: { "invalid-topics": ["b", "a"] } }]);
  equal(await messages(kit.worker), []);
  const granted = "https://dav.example/x";
  equal(await json(kit.gateway(push(message(granted)), token)), [200, unheard(granted)]);
});

Deno.test("gateway: an unknown topic is no error, and named, as CC/CD 70025 shows it", async () => {
  await using kit = await openKit();
  const fixture = new URL("../fixtures/cc-70025/push-response-no-subscribers.json", import.meta.url);
  equal(await json(kit.gateway(push(message("123"), message("123")))), [
    200,
    JSON.parse(await Deno.readTextFile(fixture)),
  ]);
});

Deno.test("gateway: what a stream or a subscription holds has subscribers, by a pattern as well", async () => {
  await using kit = await openKit();
  const token = await kit.mayAll();
  await using exact = await openStream(kit.worker.hub, "match=exact", token);
  await using wide = await openStream(kit.worker.hub, "match_urlpattern=https://dav.example/*", token);
  await subscribe(kit.worker.kv, subscription("a", ["held"], { address: "https://127.0.0.1:9/" }));
  const topics = ["exact", "https://dav.example/x", "held", "nobody"];
  equal(await json(kit.gateway(push(...topics.map((topic) => message(topic))))), [200, unheard("nobody")]);
  await exact.until(() => exact.events.length === 1);
  await wide.until(() => wide.events.length === 1);
});

Deno.test("gateway: what a stream of another worker may be about has subscribers, until that worker leaves", async () => {
  using kv = await Deno.openKv(":memory:");
  const here = await testWorker({ kv, isShared: true });
  await using there = await testWorker({ kv, isShared: true });
  const stream = await openStream(here.hub, "match=held", await accessToken(here, { subscribe: ["*"] }));
  const token = await accessToken(there, { publish: ["*"] });
  const send = async () => {
    const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
    return await json(
      fetch(`${there.url}/-/gateway`, { method: "POST", headers, body: push(message("held"), message("a")) }),
    );
  };
  equal(await send(), [200, unheard("a")]);
  await here.stop();
  equal(await send(), [200, unheard("held", "a")]);
  await stream.close();
});

Deno.test("gateway: a stream that may not read a topic is none of its subscribers", async () => {
  await using kit = await openKit();
  const token = await kit.token([grant(["subscribe"], [{ match: "another" }])]);
  await using _stream = await openStream(kit.worker.hub, "match=*", token);
  equal(await json(kit.gateway(push(message("a"), message("another")), await kit.mayAll())), [200, unheard("a")]);
});

Deno.test("gateway: two pushes of the same are two events, since nothing tells them apart", async () => {
  await using kit = await openKit();
  for (let times = 0; times < 2; times++) await (await kit.gateway(push(message("a")))).body?.cancel();
  equal((await messages(kit.worker)).length, 2);
});

Deno.test("gateway: a cookie with a matching Origin pushes as a token does", async () => {
  await using kit = await openKit();
  for (const origin of [kit.url, "https://app.example"]) {
    const headers = { cookie: `${COOKIE}=${await kit.mayAll()}`, origin };
    equal(await json(kit.post("/-/gateway", "application/json", push(message("a")), headers)), [200, unheard("a")]);
  }
  equal((await messages(kit.worker)).length, 2);
});

Deno.test("gateway: 500 messages are stored together", async () => {
  await using kit = await openKit();
  const topics = Array.from({ length: 500 }, (_, index) => `t${index}`);
  equal(await json(kit.gateway(push(...topics.map((topic) => message(topic))))), [200, unheard(...topics)]);
  equal((await messages(kit.worker)).map(({ topic }) => topic), topics);
});

Deno.test("gateway: what a valid message says is what a listener reads", async () => {
  await using kit = await openKit();
  const sent = fc.sample(pushMessage, 60).map(({ unknown: _, ...message }) => message);
  const topics = [...new Set(sent.map(({ topic }) => topic))];
  equal(await json(kit.gateway(JSON.stringify({ push: sent }))), [200, unheard(...topics)]);
  const read = await messages(kit.worker);
  equal(
    read.map(({ topic, data, timestamp }) => [topic, data, timestamp]),
    sent.map(({ topic, data, timestamp }) => [topic, data, timestamp]),
  );
});

Deno.test("gateway: any JSON and any bytes are answered in a documented form", async () => {
  await using kit = await openKit();
  const token = await kit.mayAll();
  const almost = fc.record({ push: fc.oneof(fc.jsonValue(), fc.array(fc.oneof(pushMessage, fc.jsonValue()))) }, {
    requiredKeys: [],
  });
  const body = fc.oneof(
    fc.json(),
    fc.uint8Array({ maxLength: 300 }),
    fc.string(),
    almost.map((value) => JSON.stringify(value)),
  );
  await fc.assert(
    fc.asyncProperty(body, async (body) => {
      const { status } = await readAnswer(kit, await kit.gateway(body as BodyInit, token));
      ok(status === 200 || status === 400, `${status}`);
    }),
    { numRuns: 150 },
  );
  await checkNothingSaid(kit);
});
