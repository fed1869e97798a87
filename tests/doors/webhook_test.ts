/** Webhooks from end to end: handed over, shown to be somebody's own, told, tried again, shown and ended. */
import { openWebhookReceiver } from "../fakes/webhook.ts";
import { equal, ok } from "../helpers/assert.ts";
import { keptIn } from "../helpers/kept.ts";
import { accessToken, ring, testWorker } from "../helpers/worker.ts";
import { eventually } from "../helpers/eventually.ts";

const WEBHOOK = "https://www.standardwebhooks.com/";
const TOPIC = "https://dav.example/alice/work/";

/** A worker and a receiver that trust each other. */
async function openPair(env: Record<string, string> = {}) {
  const receiver = await openWebhookReceiver();
  const trusted = { CARILLON_PUSH_HOSTS: `127.0.0.1:${receiver.port}`, ...env };
  const worker = await testWorker({ ca: receiver.ca, env: trusted });
  const token = await accessToken(worker, { subscribe: ["*"], publish: ["*"] });
  const ask = async (method: string, path: string, body?: unknown) =>
    await fetch(new URL(path, worker.url), {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  const subscribe = async (more = {}) => {
    const hook = receiver.subscribe();
    const response = await ask("POST", "/-/subscriptions", { transport: WEBHOOK, ...hook, topics: [TOPIC], ...more });
    return { hook, response, printed: await response.json() };
  };
  const stop = async () => {
    await worker.stop();
    await receiver[Symbol.asyncDispose]();
  };
  return { worker, receiver, ask, subscribe, [Symbol.asyncDispose]: stop };
}

const changes = (receiver: Awaited<ReturnType<typeof openWebhookReceiver>>) =>
  receiver.taken.filter(({ type }) => type === "push");

Deno.test("webhooks: an address is challenged first, then told of every change", async () => {
  await using pair = await openPair();
  const { response, printed } = await pair.subscribe();
  equal([response.status, printed.transport, printed.vapidKey], [201, WEBHOOK, undefined]);
  ok(!JSON.stringify(printed).includes("whsec_") && !JSON.stringify(printed).includes("/hook/"));
  await eventually("it is confirmed", async () => (await (await pair.ask("GET", printed.location)).json()).confirmed);
  equal(pair.receiver.taken.map(({ type }) => type), ["challenge"]);
  await ring(pair.worker, { topic: TOPIC, "sync-token": "t1" });
  await pair.receiver.until(() => changes(pair.receiver).length === 1);
  const { push: { messages } } = changes(pair.receiver)[0]!.data as { push: { messages: Record<string, unknown>[] } };
  equal(messages.map((message) => [message.topic, message["sync-token"]]), [[TOPIC, "t1"]]);
});

Deno.test("webhooks: who does not echo the challenge is told nothing", async () => {
  await using pair = await openPair();
  pair.receiver.always({ status: 200, body: "yes" });
  const { printed } = await pair.subscribe();
  await pair.receiver.until(() => pair.receiver.taken.length === 1);
  await ring(pair.worker, { topic: TOPIC });
  await eventually(
    "the change stands as a retry",
    async () => (await Array.fromAsync(pair.worker.kv.list({ prefix: ["retry"] }))).length === 1,
  );
  equal((await (await pair.ask("GET", printed.location)).json()).confirmed, false);
  equal(changes(pair.receiver), []);
});

Deno.test("webhooks: what could not be told is shown to its owner, with the next try", async () => {
  await using pair = await openPair();
  const { printed } = await pair.subscribe();
  await pair.receiver.until(() => pair.receiver.taken.length === 1);
  pair.receiver.always({ status: 500 });
  await ring(pair.worker, { topic: TOPIC });
  type Shown = { failing?: { topic: string; tries: number; next: string }[] };
  let shown: Shown = {};
  await eventually("it is shown", async () => {
    shown = await (await pair.ask("GET", printed.location)).json();
    return shown.failing !== undefined;
  });
  equal(shown.failing!.map(({ topic, tries }) => [topic, tries]), [[TOPIC, 1]]);
  ok(Date.parse(shown.failing![0]!.next) > Date.now());
});

Deno.test("webhooks: 410 ends the subscription", async () => {
  await using pair = await openPair();
  const { printed } = await pair.subscribe();
  await pair.receiver.until(() => pair.receiver.taken.length === 1);
  await eventually("it is confirmed", async () => (await (await pair.ask("GET", printed.location)).json()).confirmed);
  pair.receiver.always({ status: 410 });
  await ring(pair.worker, { topic: TOPIC });
  await eventually("it has ended", async () => {
    const response = await pair.ask("GET", printed.location);
    await response.body?.cancel();
    return response.status === 404;
  });
});

Deno.test("webhooks: another secret takes the place of the first, with both in between", async () => {
  await using pair = await openPair({ CARILLON_SECRET: "a secret of sixteen characters and more" });
  const { hook, printed } = await pair.subscribe();
  await pair.receiver.until(() => pair.receiver.taken.length === 1);
  const { keys: { secret } } = pair.receiver.subscribe();
  const put = await pair.ask("PUT", printed.location, { keys: { secret, previous: hook.keys.secret } });
  equal([put.status, (await put.json()).location], [200, printed.location]);
  await eventually("it is confirmed", async () => (await (await pair.ask("GET", printed.location)).json()).confirmed);
  await ring(pair.worker, { topic: TOPIC });
  await pair.receiver.until(() => changes(pair.receiver).length === 1);
  equal(changes(pair.receiver)[0]!.by.toSorted(), [secret, hook.keys.secret].toSorted());
  const kept = await keptIn(pair.worker.kv);
  ok(kept.includes(hook.endpoint) && !kept.includes("whsec_"));
});

Deno.test("webhooks: a server hands over its client's by push-subscribe, and they are offered", async () => {
  await using pair = await openPair();
  const { transports } = await (await fetch(`${pair.worker.url}/-/transports`)).json();
  equal(transports.map(({ uri }: { uri: string }) => uri), ["urn:ietf:rfc:8030", WEBHOOK]);
  const offered = await (await pair.ask("POST", "/-/gateway", { "push-transports": [] })).json();
  equal(offered["push-transports"][1].transport, { "transport-uri": WEBHOOK, "refresh-interval": 604_800 });
  const hook = pair.receiver.subscribe();
  const transport = { "transport-uri": WEBHOOK, "client-data": JSON.stringify(hook) };
  const response = await pair.ask("POST", "/-/gateway", { "push-subscribe": { topics: [TOPIC], transport } });
  equal([response.status, Object.keys(await response.json())], [200, ["push-url", "expires"]]);
  await pair.receiver.until(() => pair.receiver.taken.length === 1);
});

const BAD: Record<string, [body: Record<string, unknown>, code: string]> = {
  "a transport that is not offered": [{ transport: "urn:ietf:rfc:1149" }, "bad_request"],
  "no endpoint": [{ endpoint: undefined }, "bad_request"],
  "no secret": [{ keys: {} }, "bad_request"],
  "a private address": [{ endpoint: "https://192.168.1.1/hook" }, "bad_address"],
  "ourselves": [{ endpoint: "https://push.example/-/events" }, "bad_address"],
  "too many keys": [{ keys: Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`k${n}`, "v"])) }, "bad_request"],
};

Deno.test("webhooks: what is refused changes nothing", async () => {
  await using pair = await openPair({ CARILLON_DAV_URL: "https://push.example" });
  for (const [what, [more, code]] of Object.entries(BAD)) {
    const body = { transport: WEBHOOK, ...pair.receiver.subscribe(), topics: [TOPIC], ...more };
    const response = await pair.ask("POST", "/-/subscriptions", body);
    equal([what, response.status, (await response.json()).code], [what, 400, code]);
  }
  equal((await Array.fromAsync(pair.worker.kv.list({ prefix: ["subscription"] }))).length, 0);
});

Deno.test("webhooks: a renewal may name the address alone, whose secret is kept encrypted", async () => {
  await using pair = await openPair({ CARILLON_SECRET: "a secret of sixteen characters and more" });
  const { hook, printed } = await pair.subscribe();
  const put = await pair.ask("PUT", printed.location, { transport: WEBHOOK, endpoint: hook.endpoint });
  equal([put.status, (await put.json()).location], [200, printed.location]);
  const kept = await keptIn(pair.worker.kv);
  ok(kept.includes(hook.endpoint) && !kept.includes("whsec_"));
});
