import { equal, ok } from "../helpers/assert.ts";
import { as, changesTo, handOver, openPair } from "../helpers/subscriber.ts";
import { COOKIE } from "../../src/access/credentials.ts";
import { MAX_OWNED, MAX_OWNED_AT, MAX_UNCONFIRMED_AT, MAX_UNCONFIRMED_OF } from "../../src/access/quotas.ts";
import { ownerOf } from "../../src/model/grant.ts";
import { shortHash } from "../../src/model/short_hash.ts";
import type { TestSubscription } from "../helpers/push_service.ts";
import { accessToken, ring } from "../helpers/worker.ts";

const TOPIC = "https://dav.example/alice/work/";
const DAY = 24 * 3_600_000;

type Printed = {
  location: string;
  topics: string[];
  expires: string;
  vapidKey: string;
  confirmed: boolean;
  [member: string]: unknown;
};

async function created(response: Response, status = 201): Promise<Printed> {
  const text = await response.text();
  equal(response.status, status, text);
  return JSON.parse(text);
}

async function code(sent: Promise<Response>): Promise<[number, string]> {
  const response = await sent;
  const body = await response.json();
  return [response.status, body.code];
}

const close = async (sent: Promise<Response>) => {
  const response = await sent;
  await response.body?.cancel();
  return response.status;
};

/** Milliseconds from now. */
const away = (time: string) => Date.parse(time) - Date.now();

Deno.test("subscriptions: a browser's subscription is acknowledged by one push, and told of every change", async () => {
  await using pair = await openPair();
  const { worker, service } = pair;
  const browser = service.subscribe();
  const response = await pair.subscribe(handOver(browser, [TOPIC]));
  const printed = await created(response);
  equal(response.headers.get("location"), printed.location);
  ok(printed.location.startsWith(`${worker.url}/-/subscriptions/`));
  ok(away(printed.expires) > 7 * DAY - 60_000 && Date.parse(printed.expires) <= Date.now() + 7 * DAY + 1);
  const transports = await (await fetch(`${worker.url}/-/transports`)).json();
  equal(printed.vapidKey, transports.transports[0].vapidPublicKey);
  await service.until(() => service.messages(browser).length === 1);
  const [initial] = service.messages(browser);
  equal([initial!.text, initial!.vapid.k], ['{"push":{"messages":[]}}', printed.vapidKey]);
  await ring(worker, { topic: TOPIC, "sync-token": "http://sync/1", priority: 80 });
  await service.until(() => service.messages(browser).length === 2);
  const [change] = changesTo(service, browser);
  equal([change!.topic, change!["sync-token"], change!.update, change!.depth], [
    TOPIC,
    "http://sync/1",
    "content",
    "1",
  ]);
  const { headers, httpVersion } = service.messages(browser)[1]!;
  equal([headers.urgency, headers["content-encoding"], httpVersion], ["high", "aes128gcm", "2.0"]);
  ok(/^[\w-]{22}$/.test(headers.topic as string) && Number(headers.ttl) <= 7 * 86_400, `${headers.topic}`);
});

Deno.test("subscriptions: what was handed over is shown to its owner, without address and keys", async () => {
  await using pair = await openPair();
  const browser = pair.service.subscribe();
  const asked = {
    triggers: { content: { depth: "1" }, property: { depth: "0", properties: ["{DAV:}displayname"] } },
    minPriority: 20,
    maxDelay: 5,
    clientId: "me",
  };
  const { location } = await created(await pair.subscribe(handOver(browser, [TOPIC, "b", "b"], asked)));
  const text = await (await pair.ask("GET", location)).text();
  const { confirmed, expires, vapidKey, ...shown } = JSON.parse(text);
  const transport = "urn:ietf:rfc:8030";
  equal(shown, { location, transport, pushService: new URL(browser.address).origin, topics: [TOPIC, "b"], ...asked });
  equal([typeof confirmed, typeof expires, vapidKey.length], ["boolean", "string", 87]);
  for (const secret of [browser.address, browser.keys.auth, browser.keys.p256dh]) ok(!text.includes(secret));
});

Deno.test("subscriptions: keys in standard or padded base64 are taken", async () => {
  await using pair = await openPair();
  const { address, keys, path } = pair.service.subscribe();
  const standard = (text: string) => Uint8Array.fromBase64(text, { alphabet: "base64url" }).toBase64();
  const padded = { p256dh: standard(keys.p256dh), auth: `${keys.auth}==` };
  await created(await pair.subscribe(handOver({ address, path, keys: padded }, [TOPIC])));
  await pair.service.until(() => pair.service.messages().length === 1);
});

Deno.test("subscriptions: handing over the same address again replaces what was asked for, under the same location", async () => {
  await using pair = await openPair();
  const browser = pair.service.subscribe();
  const first = await created(await pair.subscribe(handOver(browser, ["a"], { minPriority: 99, clientId: "me" })));
  await pair.service.until(() => pair.service.messages().length === 1);
  const again = await created(await pair.subscribe(handOver(browser, ["b"])), 200);
  equal([again.location, again.topics, again.minPriority, again.clientId], [first.location, ["b"], 0, undefined]);
  await ring(pair.worker, { topic: "a" }, { topic: "b" });
  await pair.service.until(() => changesTo(pair.service, browser).length === 1);
  equal(changesTo(pair.service, browser).map(({ topic }) => topic), ["b"]);
});

Deno.test("subscriptions: another owner with a known address gets another one, and the old one is untouched", async () => {
  await using pair = await openPair();
  const browser = pair.service.subscribe();
  const first = await created(await pair.subscribe(handOver(browser, ["a"]), as("alice")));
  const second = await created(await pair.subscribe(handOver(browser, ["b"]), as("mallory")));
  ok(first.location !== second.location);
  const shown = await created(await pair.ask("GET", first.location, undefined, as("alice")), 200);
  equal(shown.topics, ["a"]);
  equal(await close(pair.ask("DELETE", second.location, undefined, as("mallory"))), 204);
  equal(await close(pair.ask("GET", first.location, undefined, as("alice"))), 200);
});

Deno.test("subscriptions: somebody else's does not exist", async () => {
  await using pair = await openPair();
  const { location } = await created(await pair.subscribe(handOver(pair.service.subscribe(), [TOPIC]), as("alice")));
  for (const method of ["GET", "PUT", "DELETE"]) {
    equal(await code(pair.ask(method, location, method === "PUT" ? {} : undefined, as("mallory"))), [404, "not_found"]);
  }
  const list = await (await pair.ask("GET", "/-/subscriptions", undefined, as("mallory"))).json();
  equal(list, { subscriptions: [] });
  equal(await close(pair.ask("GET", location, undefined, as("alice"))), 200);
});

Deno.test("subscriptions: the owner is issuer and subject together", async () => {
  const CARILLON_ISSUERS = JSON.stringify([{ iss: "app", secret: "x".repeat(32), topics: ["*"] }]);
  await using pair = await openPair({ env: { CARILLON_ISSUERS } });
  const { location } = await created(await pair.subscribe(handOver(pair.service.subscribe(), [TOPIC]), as("alice")));
  const { sign, accessClaims, grant } = await import("../helpers/tokens.ts");
  const claims = accessClaims(pair.worker.url, [grant(["subscribe"], [{ match: "*" }])], { iss: "app", sub: "alice" });
  const token = await sign(new TextEncoder().encode("x".repeat(32)), { alg: "HS256", typ: "at+jwt" }, claims);
  equal(await close(fetch(location, { headers: { authorization: `Bearer ${token}` } })), 404);
});

Deno.test("subscriptions: all of one's own are listed, page by page", async () => {
  await using pair = await openPair();
  const locations: string[] = [];
  for (let n = 0; n < 103; n++) {
    locations.push((await created(await pair.subscribe(handOver(pair.service.subscribe(), [`t/${n}`])))).location);
  }
  const listed: string[] = [];
  let next: string | undefined = "/-/subscriptions";
  for (let pages = 0; next !== undefined; pages++) {
    const page: { subscriptions: Printed[]; next?: string } = await (await pair.ask("GET", next)).json();
    listed.push(...page.subscriptions.map(({ location }) => location));
    next = page.next;
    ok(pages < 3);
  }
  equal(listed.sort(), locations.sort());
});

Deno.test("subscriptions: no cache may keep what one owner sees, nor a refusal", async () => {
  await using pair = await openPair();
  const { location } = await created(await pair.subscribe(handOver(pair.service.subscribe(), [TOPIC])));
  for (const address of ["/-/subscriptions", location, `${location}x`]) {
    const response = await pair.ask("GET", address);
    equal([response.headers.get("cache-control"), (await response.text()).length > 0], ["no-store", true]);
  }
});

Deno.test("subscriptions: PUT renews, and changes what it names", async () => {
  await using pair = await openPair();
  const browser = pair.service.subscribe();
  const soon = new Date(Date.now() + 60_000).toISOString();
  const { location, expires } = await created(
    await pair.subscribe(handOver(browser, ["a"], { expires: soon, clientId: "me", maxDelay: 5 })),
  );
  equal(expires, soon);
  const renewed = await created(await pair.ask("PUT", location, {}), 200);
  ok(away(renewed.expires) > 6 * DAY);
  equal([renewed.topics, renewed.clientId, renewed.maxDelay], [["a"], "me", 5]);
  const changed = await created(await pair.ask("PUT", location, { ...handOver(browser, ["b"]), minPriority: 9 }), 200);
  equal([changed.location, changed.topics, changed.minPriority, changed.clientId], [location, ["b"], 9, "me"]);
});

Deno.test("subscriptions: PUT does not change the address, and needs the grants for what it renews", async () => {
  await using pair = await openPair();
  const { location } = await created(await pair.subscribe(handOver(pair.service.subscribe(), ["a"])));
  const other = handOver(pair.service.subscribe(), ["a"]);
  equal(await code(pair.ask("PUT", location, other)), [400, "bad_request"]);
  equal(await code(pair.ask("PUT", location, {}, { subscribe: ["b"] })), [403, "insufficient_scope"]);
  equal(await code(pair.ask("PUT", location, { topics: ["b"] }, { subscribe: ["a"] })), [403, "insufficient_scope"]);
  equal((await created(await pair.ask("GET", location), 200)).topics, ["a"]);
});

Deno.test("subscriptions: what is deleted is gone, and told nothing more", async () => {
  await using pair = await openPair();
  const [browser, other] = [pair.service.subscribe(), pair.service.subscribe()];
  const { location } = await created(await pair.subscribe(handOver(browser, [TOPIC])));
  await created(await pair.subscribe(handOver(other, [TOPIC])));
  await pair.service.until(() => pair.service.messages().length === 2);
  equal(await close(pair.ask("DELETE", location)), 204);
  equal(await code(pair.ask("DELETE", location)), [404, "not_found"]);
  equal(await code(pair.ask("GET", location)), [404, "not_found"]);
  await ring(pair.worker, TOPIC);
  await pair.service.until(() => changesTo(pair.service, other).length === 1);
  equal(changesTo(pair.service, browser), []);
  // It can be made anew.
  equal((await created(await pair.subscribe(handOver(browser, [TOPIC])))).location, location);
});

Deno.test("subscriptions: an end beyond the refresh interval is clamped, an earlier one of ours or of the browser's counts", async () => {
  await using pair = await openPair();
  const end = async (more: Record<string, unknown>) =>
    away((await created(await pair.subscribe(handOver(pair.service.subscribe(), ["a"], more)))).expires);
  const at = (milliseconds: number) => new Date(Date.now() + milliseconds).toISOString();
  const within = (value: number, expected: number) => ok(Math.abs(value - expected) < 60_000, `${value}`);
  within(await end({ expires: "2126-01-01T00:00:00Z" }), 7 * DAY);
  within(await end({ expires: at(DAY) }), DAY);
  within(await end({ expires: at(DAY).replace("Z", "+00:00") }), DAY);
  within(await end({ expirationTime: Date.now() + 2 * DAY }), 2 * DAY);
  within(await end({ expirationTime: Date.now() + 2 * DAY, expires: at(DAY) }), DAY);
});

Deno.test("subscriptions: a page of an allowed origin subscribes by its cookie, another one does not", async () => {
  await using pair = await openPair({ env: { CARILLON_ORIGINS: "https://app.example" } });
  const token = await accessToken(pair.worker, { subscribe: ["*"] });
  const post = (origin: string | undefined) =>
    fetch(`${pair.worker.url}/-/subscriptions`, {
      method: "POST",
      headers: {
        cookie: `${COOKIE}=${token}`,
        "content-type": "application/json",
        ...(origin && { origin }),
      },
      body: JSON.stringify(handOver(pair.service.subscribe(), [TOPIC])),
    });
  const response = await post("https://app.example");
  equal(response.headers.get("access-control-allow-origin"), "https://app.example");
  ok(response.headers.get("access-control-expose-headers")?.includes("location"));
  await created(response);
  equal(await code(post("https://evil.example")), [403, "origin_refused"]);
  equal(await code(post(undefined)), [403, "origin_refused"]);
  const preflight = await fetch(`${pair.worker.url}/-/subscriptions/x`, {
    method: "OPTIONS",
    headers: { origin: "https://app.example", "access-control-request-method": "DELETE" },
  });
  await preflight.body?.cancel();
  ok(
    /PUT/.test(preflight.headers.get("access-control-allow-methods")!) &&
      /DELETE/.test(preflight.headers.get("access-control-allow-methods")!),
  );
});

const OWNER = ownerOf({ iss: "local", subject: "tester", expiresAt: 0, grants: [], issuerTopics: [] })!;

/** Sets a counter, as if so many were stored. */
async function pretend(kv: Deno.Kv, key: string[], count: number): Promise<void> {
  await kv.set(["count", ...key], new Deno.KvU64(BigInt(count)));
}

const originOf = ({ address }: TestSubscription) => shortHash(new URL(address).origin);

Deno.test("subscriptions: no more than 10,000 of one owner, and of those who are there all may be renewed", async () => {
  await using pair = await openPair();
  const browser = pair.service.subscribe();
  const { location } = await created(await pair.subscribe(handOver(browser, ["a"])));
  await pretend(pair.worker.kv, ["owned", OWNER], MAX_OWNED);
  equal(await code(pair.subscribe(handOver(pair.service.subscribe(), ["a"]))), [429, "too_many_subscriptions"]);
  equal(await close(pair.subscribe(handOver(browser, ["b"]))), 200);
  equal(await close(pair.subscribe(handOver(pair.service.subscribe(), ["a"]), as("another"))), 201);
  equal(await close(pair.ask("DELETE", location)), 204);
  equal(await close(pair.subscribe(handOver(pair.service.subscribe(), ["a"]))), 201);
});

Deno.test("subscriptions: who only listens has a few at one push service, who may publish the topics speaks for many", async () => {
  await using pair = await openPair();
  const subscribe = (grants = {}) => pair.subscribe(handOver(pair.service.subscribe(), ["a", "b"]), grants);
  await pretend(pair.worker.kv, ["owned_at", OWNER, originOf(pair.service.subscribe())], MAX_OWNED_AT);
  equal(await code(subscribe()), [429, "too_many_subscriptions"]);
  equal(await code(subscribe({ publish: ["a"] })), [429, "too_many_subscriptions"]);
  equal(await close(subscribe({ publish: ["*"] })), 201);
  const elsewhere = { ...pair.service.subscribe(), address: "https://push.example/x" };
  equal(await close(pair.subscribe(handOver(elsewhere, ["a"]))), 201);
});

Deno.test("subscriptions: what one owner may have is counted at the gateway as well", async () => {
  await using pair = await openPair();
  const join = (topic: string, grants = {}) => {
    const { address, keys } = pair.service.subscribe();
    const clientData = JSON.stringify({ endpoint: address, keys });
    const transport = { "transport-uri": "urn:ietf:rfc:8030", "client-data": clientData };
    return pair.ask("POST", "/-/gateway", { "push-subscribe": { topics: [topic], transport } }, grants);
  };
  await pretend(pair.worker.kv, ["owned_at", OWNER, originOf(pair.service.subscribe())], MAX_OWNED_AT);
  equal(await code(join("a")), [429, "too_many_subscriptions"]);
  equal(await close(join("a", { publish: ["a"] })), 200);
  await pretend(pair.worker.kv, ["owned", OWNER], MAX_OWNED);
  equal(await code(join("a", { publish: ["a"] })), [429, "too_many_subscriptions"]);
});

Deno.test("subscriptions: an owner of whom too few were confirmed gets no more until they are", async () => {
  await using pair = await openPair();
  await pretend(pair.worker.kv, ["unconfirmed_of", OWNER], MAX_UNCONFIRMED_OF);
  const response = await pair.subscribe(handOver(pair.service.subscribe(), ["a"]));
  equal([response.status, response.headers.get("retry-after")], [429, "60"]);
  equal((await response.json()).code, "push_service_silent");
  equal(await close(pair.subscribe(handOver(pair.service.subscribe(), ["a"]), as("another"))), 201);
});

Deno.test("subscriptions: a push service that confirmed too few is not aimed at, one that confirmed many is", async () => {
  await using pair = await openPair();
  const origin = originOf(pair.service.subscribe());
  await pretend(pair.worker.kv, ["unconfirmed_at", origin], MAX_UNCONFIRMED_AT);
  equal(await code(pair.subscribe(handOver(pair.service.subscribe(), ["a"]))), [429, "push_service_silent"]);
  const elsewhere = { ...pair.service.subscribe(), address: "https://push.example/x" };
  equal(await close(pair.subscribe(handOver(elsewhere, ["a"]))), 201);
  await pretend(pair.worker.kv, ["confirmed_at", origin], 1);
  equal(await close(pair.subscribe(handOver(pair.service.subscribe(), ["a"]))), 201);
});

Deno.test("subscriptions: one that has ended hides none of the others in the list", async () => {
  await using pair = await openPair();
  const soon = new Date(Date.now() + 400).toISOString();
  for (let n = 0; n < 102; n++) {
    await created(await pair.subscribe(handOver(pair.service.subscribe(), [`t/${n}`], n < 3 ? { expires: soon } : {})));
  }
  while (Date.now() < Date.parse(soon)) await new Promise((resolve) => setTimeout(resolve, 20));
  const first = await (await pair.ask("GET", "/-/subscriptions")).json();
  const second = await (await pair.ask("GET", first.next)).json();
  equal([first.subscriptions.length + second.subscriptions.length, second.next], [99, undefined]);
});

Deno.test("subscriptions: a stored record of an unknown version is neither shown, nor changed, nor ended", async () => {
  await using pair = await openPair();
  const browser = pair.service.subscribe();
  const { location } = await created(await pair.subscribe(handOver(browser, ["a"])));
  await pair.service.until(() => pair.service.messages().length === 1);
  const key = ["subscription", location.split("/").at(-1)!];
  const value = new TextEncoder().encode('{"v":2}');
  await pair.worker.kv.set(key, value);
  for (
    const [method, path, body] of [["GET", location], ["PUT", location, {}], ["DELETE", location], [
      "POST",
      "/-/subscriptions",
      handOver(browser, ["b"]),
    ]] as const
  ) {
    equal(await code(pair.ask(method, path, body)), [503, "kv_failed"]);
  }
  equal((await (await pair.ask("GET", "/-/subscriptions")).json()).subscriptions, []);
  equal((await pair.worker.kv.get(key)).value, value);
});

Deno.test("transports: what a client must know, for everyone", async () => {
  await using pair = await openPair();
  const response = await fetch(`${pair.worker.url}/-/transports`);
  const { transports: [webPush] } = await response.json();
  equal([response.status, webPush.uri, webPush.refreshInterval], [200, "urn:ietf:rfc:8030", 604_800]);
  equal(webPush.limits, { topics: 100, endpointBytes: 1_000, messageBytes: 3_993, subscriptions: 10_000 });
  equal(Uint8Array.fromBase64(webPush.vapidPublicKey, { alphabet: "base64url" })[0], 4);
});
