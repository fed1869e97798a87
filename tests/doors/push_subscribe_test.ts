/** `push-subscribe` of CC/CD 70025: a server hands over the subscriptions of its clients. */
import { equal, ok } from "../helpers/assert.ts";
import type { TestSubscription } from "../helpers/push_service.ts";
import { changesTo, openPair, type Pair } from "../helpers/subscriber.ts";
import { ring } from "../helpers/worker.ts";

const WEB_PUSH = "urn:ietf:rfc:8030";
const DAY = 24 * 3_600_000;

type Members = Record<string, unknown>;

const at = (milliseconds: number) => new Date(Date.now() + milliseconds).toISOString();

function message({ address, keys }: TestSubscription, topics: string[], more: Members = {}, preferences: Members = {}) {
  const clientData = JSON.stringify({ endpoint: address, keys, ...preferences });
  const transport = { "transport-uri": WEB_PUSH, "client-data": clientData };
  return { "push-subscribe": { topics, transport, expires: at(DAY), ...more } };
}

async function send({ ask }: Pair, body: unknown, headers = {}): Promise<Record<string, string>> {
  const response = await ask("POST", "/-/gateway", body, {}, headers);
  const text = await response.text();
  equal(response.status, 200, text);
  return JSON.parse(text);
}

/** What the server's own subscriptions are, as the other door shows them. */
async function stored({ ask }: Pair): Promise<{ topics: string[]; expires: string; [member: string]: unknown }[]> {
  return (await (await ask("GET", "/-/subscriptions")).json()).subscriptions;
}

Deno.test("push-subscribe: a client is told from then on, and the answer says where to push and until when", async () => {
  await using pair = await openPair();
  const [client, expires] = [pair.service.subscribe(), at(DAY)];
  const answer = await send(pair, message(client, ["123", "abc"], { expires }));
  equal(answer, { "push-url": `${pair.worker.url}/-/gateway`, expires });
  await pair.service.until(() => pair.service.messages(client).length === 1);
  await ring(pair.worker, { topic: "123" }, { topic: "abc" }, { topic: "xyz" });
  await pair.service.until(() => changesTo(pair.service, client).length === 2);
  equal(changesTo(pair.service, client).map(({ topic }) => topic).sort(), ["123", "abc"]);
});

Deno.test("push-subscribe: the member of the grammar is read as well, and preferences in the client-data", async () => {
  await using pair = await openPair();
  const client = pair.service.subscribe();
  const { transport, ...rest } =
    message(client, ["a"], {}, { minPriority: 60, maxDelay: 0, clientId: "me" })["push-subscribe"];
  await send(pair, { "push-subscribe": { ...rest, "selected-transport": transport } });
  const [{ minPriority, maxDelay, clientId } = {} as Members] = await stored(pair);
  equal([minPriority, maxDelay, clientId], [60, 0, "me"]);
});

Deno.test("push-subscribe: more topics are added to those that the client has, each with its own end", async () => {
  await using pair = await openPair();
  const client = pair.service.subscribe();
  await send(pair, message(client, ["a", "b"], { expires: at(DAY) }));
  await send(pair, message(client, ["b", "c"], { expires: at(2 * DAY) }));
  const [only, ...others] = await stored(pair);
  equal([only!.topics.sort(), others], [["a", "b", "c"], []]);
  const id = (only!.location as string).split("/").at(-1)!;
  const { subscription } = JSON.parse(
    new TextDecoder().decode((await pair.worker.kv.get<Uint8Array>(["subscription", id])).value!),
  );
  const days = subscription.topics.map(({ topic, expiresAt }: { topic: string; expiresAt: number }) => [
    topic,
    Math.round((expiresAt - Date.now()) / DAY),
  ]);
  equal(days, [["a", 1], ["b", 2], ["c", 2]]);
});

Deno.test("push-subscribe: a past end takes the client from those topics, and from the last one altogether", async () => {
  await using pair = await openPair();
  const client = pair.service.subscribe();
  await send(pair, message(client, ["a", "b", "c"]));
  const past = "2017-10-07T12:00:00.000Z";
  equal((await send(pair, message(client, ["a", "b", "unknown"], { expires: past }))).expires, past);
  equal((await stored(pair)).map(({ topics }) => topics), [["c"]]);
  await send(pair, message(client, ["c"], { expires: past }));
  equal(await stored(pair), []);
  // Nothing to leave is no error.
  await send(pair, message(client, ["c"], { expires: past }));
  await send(pair, message(pair.service.subscribe(), ["c"], { expires: past }));
});

Deno.test("push-subscribe: an end that is too late is clamped and answered, and so is none", async () => {
  await using pair = await openPair();
  for (const expires of ["2126-01-01T00:00:00Z", undefined]) {
    const answer = await send(pair, message(pair.service.subscribe(), ["a"], { expires }));
    ok(Math.abs(Date.parse(answer.expires!) - Date.now() - 7 * DAY) < 60_000, answer.expires);
  }
});

Deno.test("push-subscribe: who asks to be handled strictly is, where the end is within the interval", async () => {
  await using pair = await openPair();
  const expires = at(6 * DAY);
  equal(
    (await send(pair, message(pair.service.subscribe(), ["a"], { expires }), { prefer: "handling=strict" })).expires,
    expires,
  );
  const late = message(pair.service.subscribe(), ["a"], { expires: at(8 * DAY) });
  const response = await pair.ask("POST", "/-/gateway", late, {}, { prefer: "handling=strict" });
  equal([response.status, (await response.json()).code], [400, "bad_request"]);
  await send(pair, late, { prefer: "handling=lenient" });
});

Deno.test("push-subscribe: one bad topic fails the whole message, and is named", async () => {
  await using pair = await openPair();
  const response = await pair.ask("POST", "/-/gateway", message(pair.service.subscribe(), ["a", "b", "c"]), {
    subscribe: ["b"],
  });
  equal([response.status, await response.json()], [403, { error: { "invalid-topics": ["a", "c"] } }]);
  equal(await stored(pair), []);
});

Deno.test("push-subscribe: a hundred topics are the most that a client has, also when they come in parts", async () => {
  await using pair = await openPair();
  const client = pair.service.subscribe();
  const topics = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => `t/${from + n}`);
  await send(pair, message(client, topics(0, 60)));
  const response = await pair.ask("POST", "/-/gateway", message(client, topics(50, 110)));
  equal([response.status, (await response.json()).code], [400, "bad_request"]);
  await send(pair, message(client, topics(40, 100)));
  equal((await stored(pair))[0]!.topics.length, 100);
});

Deno.test("push-subscribe: new keys of a known address are taken", async () => {
  await using pair = await openPair();
  const client = pair.service.subscribe();
  await send(pair, message({ ...client, keys: pair.service.subscribe().keys }, ["a"]));
  await send(pair, message(client, ["b"]));
  await ring(pair.worker, { topic: "b" });
  await pair.service.until(() => changesTo(pair.service, client).length === 1);
});

Deno.test("push-subscribe: to leave a topic needs no grant: it may have been taken away", async () => {
  await using pair = await openPair();
  const client = pair.service.subscribe();
  await send(pair, message(client, ["a", "b"]));
  const body = message(client, ["a"], { expires: "2017-10-07T12:00:00Z" });
  const response = await pair.ask("POST", "/-/gateway", body, { subscribe: ["other"] });
  await response.body?.cancel();
  equal([response.status, (await stored(pair))[0]!.topics], [200, ["b"]]);
});

Deno.test("push-subscribe: a transport that is not offered is said to be so, whatever its client-data is", async () => {
  await using pair = await openPair();
  const transport = { "transport-uri": "https://push.example.com/transport", "client-data": "XYZ" };
  const body = { "push-subscribe": { topics: ["123", "abc"], transport, expires: at(DAY) } };
  const response = await pair.ask("POST", "/-/gateway", body);
  const { code, detail } = await response.json();
  equal([response.status, code, detail.includes("transport")], [400, "bad_request", true]);
});

Deno.test("push-subscribe: one store is behind both doors", async () => {
  await using pair = await openPair();
  const client = pair.service.subscribe();
  await send(pair, message(client, ["a"]));
  const [{ location } = {} as Members] = await stored(pair);
  const response = await pair.ask("DELETE", location as string);
  equal(response.status, 204);
  equal(await stored(pair), []);
});
