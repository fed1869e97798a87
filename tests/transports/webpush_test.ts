import { contentOf, deliveryTo } from "../helpers/deliveries.ts";
import { component } from "../helpers/component.ts";
import { equal, ok, refuses } from "../helpers/assert.ts";
import { findPyVapid, verdictsOf } from "../helpers/py_vapid.ts";
import { fromBase64Url, toBase64Url } from "../helpers/vectors.ts";
import { freshVapidKey } from "../helpers/vapid_keys.ts";
import { manualClock } from "../helpers/clock.ts";
import { STEP } from "../../src/transports/ephemeral_keys.ts";
import { KEY_PAUSE } from "../../src/transports/key_breaker.ts";
import { makeEphemeral } from "../../src/wire/message_encryption.ts";
import { oddSubtle } from "../helpers/odd_subtle.ts";
import { openPushService } from "../helpers/push_service.ts";
import { openWebPush } from "../helpers/web_push.ts";
import { printPush } from "../../src/wire/push_message.ts";
import { witness } from "../helpers/witness.ts";

const DELIVERED = { kind: "delivered" as const };
const TOPIC = "abcdefghijklmnopqrstuv";

for (const old of [false, true]) {
  const version = old ? "1.1" : "2.0";

  Deno.test(`webpush: over HTTP/${version} a user agent reads what was said, and its push service knows who sent it`, async () => {
    const clock = manualClock(Date.now());
    await using service = await openPushService({ old, now: clock.now });
    await using push = await openWebPush({ clock });
    const subscription = service.subscribe({ vapidKey: push.key.point });
    const message = contentOf("https://dav.example/alice/work/", { priority: 80 });
    equal(await push.send(subscription, { message, until: clock.now() + 60_000, replaces: TOPIC }), DELIVERED);
    const [request, ...others] = service.messages(subscription);
    equal([request!.method, request!.httpVersion, request!.text, others], ["POST", version, printPush(message), []]);
    const audience = `https://127.0.0.1:${service.port}`, exp = Math.floor(clock.now() / 1000) + 12 * 3600;
    equal(request!.vapid, { aud: audience, exp, sub: "mailto:admin@dav.example", k: push.key.point });
    const { ttl, urgency, topic } = request!.headers;
    equal([ttl, urgency, topic], ["60", "high", TOPIC]);
  });

  Deno.test(`webpush: over HTTP/${version} no header field is sent twice, and none that tells of us`, async () => {
    await using service = await openPushService({ old });
    await using push = await openWebPush();
    await push.send(service.subscribe(), { replaces: TOPIC });
    const names = service.requests[0]!.rawHeaders.filter((_, index) => index % 2 === 0).map((name) =>
      name.toLowerCase()
    );
    const ours = ["authorization", "content-encoding", "content-length", "content-type", "topic", "ttl", "urgency"];
    const framing = old ? ["connection", "host"] : [":authority", ":method", ":path", ":scheme"];
    equal(names.sort(), [...framing, ...ours].sort());
  });
}

for (const old of [false, true]) {
  const title = `webpush: a trusted address of IPv6 is reached over ${
    old ? "HTTP/1.1" : "HTTP/2"
  }, under the name that it has`;
  Deno.test(title, { ignore: !hasIpv6() }, async () => {
    await using service = await openPushService({ host: "[::1]", old });
    await using push = await openWebPush({ trusted: ["::1"] });
    equal(await push.send(service.subscribe()), DELIVERED);
    equal(service.messages().map(({ vapid }) => vapid.aud), [`https://[::1]:${service.port}`]);
  });
}

function hasIpv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}

Deno.test("webpush: the initial push is a message without a change", async () => {
  await using service = await openPushService();
  await using push = await openWebPush();
  equal(await push.send(service.subscribe(), { message: undefined }), DELIVERED);
  equal(service.messages().map(({ text, headers }) => [text, headers.topic]), [[
    '{"push":{"messages":[]}}',
    undefined,
  ]]);
});

Deno.test("webpush: of 500 at once the first is alone, then 80 are in flight over one connection, and all arrive", async () => {
  await using service = await openPushService();
  await using push = await openWebPush();
  const subscriptions = Array.from({ length: 20 }, () => service.subscribe());
  const resume = service.pause();
  const sending = Array.from({ length: 500 }, (_, n) => push.send(subscriptions[n % 20]!));
  await service.until(() => service.load.inFlight === 1);
  equal([push.stats().inFlight, push.stats().waiting], [1, 499]);
  resume();
  const resumeAll = service.pause();
  await service.until(() => service.load.inFlight === 80);
  equal([push.stats().inFlight, push.stats().waiting], [80, 419]);
  resumeAll();
  equal(new Set((await Promise.all(sending)).map(({ kind }) => kind)), new Set(["delivered"]));
  equal([service.load.most, service.load.connections, service.messages().length], [80, 1, 500]);
});

Deno.test("webpush: no two messages share a salt or an ephemeral key, made ahead or not", async () => {
  await using service = await openPushService();
  await using push = await openWebPush();
  const subscription = service.subscribe();
  for (let round = 0; round < 4; round++) {
    push.tick();
    equal((await Promise.all(Array.from({ length: 100 }, () => push.send(subscription)))).length, 100);
  }
  const bodies = service.messages().map(({ body }) => body);
  equal(new Set(bodies.map((body) => body.slice(0, 16).toHex())).size, 400);
  equal(new Set(bodies.map((body) => body.slice(21, 86).toHex())).size, 400);
});

Deno.test("webpush: who watches the wire sees a few sizes", async () => {
  await using service = await openPushService();
  await using push = await openWebPush();
  const subscription = service.subscribe();
  for (const length of [1, 20, 60, 120, 300, 700, 900]) {
    equal(await push.send(subscription, { message: contentOf("t".repeat(length)) }), DELIVERED);
  }
  const sizes = new Set(service.messages().map(({ body }) => body.byteLength - 103));
  equal([...sizes].sort((a, b) => a - b), [128, 256, 512, 1024, 2048].filter((size) => sizes.has(size)));
  ok(sizes.size >= 3);
});

Deno.test("webpush: each subscription is sent to with the key that it was made for", async () => {
  const keys = [await freshVapidKey(), await freshVapidKey()];
  await using service = await openPushService();
  await using push = await openWebPush({ keys });
  for (const { point } of keys) {
    const { address, keys, path } = service.subscribe({ vapidKey: point });
    const delivery = deliveryTo({ address, keys, vapidKey: point });
    equal(await push.deliver(delivery), DELIVERED);
    equal(service.messages().filter((request) => request.path === path).map(({ vapid }) => vapid.k), [point]);
  }
});

Deno.test("webpush: a subscription whose key is not ours any more waits for it, is counted, and logged once", async () => {
  using seen = witness();
  const clock = manualClock();
  await using service = await openPushService();
  await using push = await openWebPush({ clock });
  const waits = { kind: "retry" as const, at: clock.now() + KEY_PAUSE, tried: false, reason: "unknown_key" };
  for (let n = 0; n < 3; n++) {
    const { address, keys } = service.subscribe();
    const vapidKey = seen.keep((await freshVapidKey()).point);
    equal(await push.deliver(deliveryTo({ address: seen.keep(address), keys, vapidKey })), waits);
  }
  equal([service.load.connections, push.stats().faults.unknown_key], [0, 3]);
  equal(seen.records.map(({ level }) => level), ["error"]);
  seen.testify();
});

Deno.test("webpush: keys and addresses that registration would have refused wait for an operator, and are never thrown", async () => {
  using seen = witness();
  const clock = manualClock();
  await using service = await openPushService();
  await using push = await openWebPush({ clock });
  const waits = { kind: "retry" as const, at: clock.now() + KEY_PAUSE, tried: false, reason: "unusable" };
  const { address, keys } = service.subscribe(), point = fromBase64Url(keys.p256dh);
  const bad = [
    { address, keys: { ...keys, p256dh: toBase64Url(point.with(64, point[64]! ^ 1)) } },
    { address, keys: { ...keys, p256dh: "not base64" } },
    { address: "https://10.0.0.1/a-secret-path", keys },
    { address: "nothing of an address", keys },
  ];
  for (const { address, keys } of bad) {
    for (const secret of [address, keys.auth, keys.p256dh]) seen.keep(secret);
    equal(await push.deliver(deliveryTo({ address, keys, vapidKey: push.key.point })), waits);
  }
  equal([push.stats().faults.broken, push.stats().inFlight, service.requests.length], [4, 0, 0]);
  seen.testify();
});

Deno.test("webpush: where the runtime's keys have another form the library encrypts, and it is read alike", async () => {
  await using service = await openPushService();
  for (const oddity of ["exports another form", "imports no minimal form"] as const) {
    await using push = await openWebPush({ make: () => makeEphemeral(oddSubtle(oddity)) });
    const message = contentOf("https://dav.example/alice/work/"), subscription = service.subscribe();
    push.tick();
    for (let n = 0; n < 3; n++) equal(await push.send(subscription, { message }), DELIVERED);
    const texts = service.messages(subscription).map(({ text }) => text);
    equal(texts.map((text) => text.trimEnd()), Array(3).fill(printPush(message)));
    equal([texts[0]!.length, push.stats().keysReady], [256, 0]);
  }
});

Deno.test("webpush: a push service that keeps a message for less than it was asked to is counted", async () => {
  await using service = await openPushService();
  await using push = await openWebPush();
  for (const [ttl, cut] of [["3600", 0], ["3599", 1], ["86400", 1], ["0", 2], ["soon", 2], [undefined, 2]] as const) {
    service.behave({ status: 201, headers: ttl === undefined ? {} : { ttl } }, { times: 1 });
    // Half a second more: the clock moves on while it is sent.
    equal(await push.send(service.subscribe(), { until: Date.now() + 3_600_500 }), DELIVERED);
    equal(push.stats().faults.ttl_cut, cut);
  }
});

Deno.test("webpush: keys are made ahead at ticks", async () => {
  await using service = await openPushService();
  await using push = await openWebPush();
  push.tick();
  while (push.stats().keysReady! < STEP) await new Promise((resolve) => setTimeout(resolve));
  equal(await push.send(service.subscribe()), DELIVERED);
  equal(push.stats().keysReady, STEP - 1);
});

Deno.test("webpush: an address is checked as it will be sent to", async () => {
  await using push = await openWebPush({ trusted: ["push.lan:8443"] });
  equal(push.egress.check("https://push.lan:8443/a").host, "push.lan:8443");
  equal(push.egress.check("https://push.example/a").host, "push.example");
  const { message } = await refuses("bad_address", () => push.egress.check("https://127.0.0.1/a-secret-path"));
  ok(!message.includes("secret"));
});

const withPyVapid = await component("py-vapid", findPyVapid);

withPyVapid("webpush: py-vapid finds what a push service received good", async (python) => {
  await using service = await openPushService();
  await using other = await openPushService();
  await using push = await openWebPush();
  for (const { subscribe } of [service, other]) equal(await push.send(subscribe()), DELIVERED);
  const headers = [...service.requests, ...other.requests].map(({ headers }) => headers.authorization!);
  equal([new Set(headers).size, await verdictsOf(python, headers)], [2, ["good", "good"]]);
});

Deno.test("webpush: nothing of an address, a key or a token is said while messages go well", async () => {
  using seen = witness();
  await using service = await openPushService();
  await using push = await openWebPush();
  const { address, keys, path } = service.subscribe();
  equal(await push.send({ address, keys, path }), DELIVERED);
  for (const secret of [path, keys.auth, keys.p256dh, service.requests[0]!.headers.authorization!]) seen.keep(secret);
  seen.hear(JSON.stringify(push.stats()));
  seen.testify();
});
