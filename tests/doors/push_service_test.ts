/** Our own push service (RFC 8030, RFC 8292), as its users see it. */
import fc from "fast-check";
import { MAX_MESSAGES } from "../../src/broker/mail/bounds.ts";
import { LIFE } from "../../src/broker/mail/mailboxes.ts";
import { equal, ok } from "../helpers/assert.ts";
import { manualClock } from "../helpers/clock.ts";
import { eventually } from "../helpers/eventually.ts";
import { askReceipts, listen, push, subscribe, vapidFor } from "../helpers/push_resource.ts";
import { freshVapidKey } from "../helpers/vapid_keys.ts";
import { witness } from "../helpers/witness.ts";
import { accessToken, testWorker } from "../helpers/worker.ts";

const DAY = 86_400_000;

async function statusOf(sent: Promise<Response>): Promise<[number, string | undefined]> {
  const response = await sent, text = await response.text();
  return [response.status, text === "" ? undefined : JSON.parse(text).code];
}

const remove = (url: string) => statusOf(fetch(url, { method: "DELETE" }));

Deno.test("push service: a message reaches who listens, whoever comes later, and once it is acknowledged nobody", async () => {
  await using worker = await testWorker();
  const { subscription, push: resource } = await subscribe(worker);
  await using first = await listen(subscription);
  const sent = await push(resource, "hello", { urgency: "high" });
  equal([sent.status, sent.headers.get("ttl")], [201, "60"]);
  await first.until(() => first.events.length === 1);
  const [told] = first.told();
  equal([told!.message, told!.encoding, told!.urgency, first.texts()], [sent.location, "aes128gcm", "high", ["hello"]]);
  ok(told!.ttl! > 55 && told!.ttl! <= 60);
  await using second = await listen(subscription);
  await second.until(() => second.events.length === 1);
  equal(await remove(sent.location), [204, undefined]);
  equal(await remove(sent.location), [404, "not_found"]);
  await push(resource, "later");
  await using third = await listen(subscription);
  await third.until(() => third.events.length === 1);
  equal(third.texts(), ["later"]);
});

Deno.test("push service: the last event's id acknowledges all up to it, in the header or in the query", async () => {
  await using worker = await testWorker();
  const { subscription, push: resource } = await subscribe(worker);
  for (const text of ["a", "b", "c", "d"]) await push(resource, text);
  const ids: string[] = [];
  {
    await using stream = await listen(subscription);
    await stream.until(() => stream.events.length === 4);
    ids.push(...stream.told().map(({ id }) => id));
  }
  await using byHeader = await listen(subscription, { headers: { "last-event-id": ids[0]! } });
  await byHeader.until(() => byHeader.events.length === 3);
  await using byQuery = await listen(subscription, { query: `last_event_id=${ids[2]}` });
  await byQuery.until(() => byQuery.events.length === 1);
  equal([byHeader.texts(), byQuery.texts()], [["b", "c", "d"], ["d"]]);
});

Deno.test("push service: a later message of the same topic replaces the stored one", async () => {
  await using worker = await testWorker();
  const { subscription, push: resource } = await subscribe(worker);
  await push(resource, "a1", { topic: "a" });
  await push(resource, "b1", { topic: "b" });
  await push(resource, "a2", { topic: "a" });
  await push(resource, "free");
  await using stream = await listen(subscription);
  await stream.until(() => stream.events.length === 3);
  equal(stream.texts(), ["b1", "a2", "free"]);
});

Deno.test("push service: who wants what is urgent alone leaves the rest for later", async () => {
  await using worker = await testWorker();
  const { subscription, push: resource } = await subscribe(worker);
  for (const urgency of ["very-low", "low", "normal", "high"]) await push(resource, urgency, { urgency });
  await using high = await listen(subscription, { headers: { urgency: "high" } });
  await using normal = await listen(subscription, { query: "urgency=normal" });
  await Promise.all([high.until(() => high.events.length === 1), normal.until(() => normal.events.length === 2)]);
  equal([high.texts(), normal.texts()], [["high"], ["normal", "high"]]);
  const { id } = normal.told().at(-1)!;
  await using rest = await listen(subscription, { query: `urgency=normal&last_event_id=${id}` });
  await using all = await listen(subscription);
  await all.until(() => all.events.length === 2);
  equal([rest.texts(), all.texts()], [[], ["very-low", "low"]]);
});

Deno.test("push service: who wants more than before has lost nothing that it did not want then", async () => {
  await using worker = await testWorker();
  const { subscription, push: resource } = await subscribe(worker);
  for (const urgency of ["low", "high"]) await push(resource, urgency, { urgency });
  await using high = await listen(subscription, { query: "urgency=high" });
  await high.until(() => high.events.length === 1);
  await using all = await listen(subscription, { headers: { "last-event-id": high.told()[0]!.id } });
  await all.until(() => all.events.length === 1);
  equal(all.texts(), ["low"]);
});

Deno.test("push service: a set is read on when the one that was heard of last has ended", async () => {
  await using worker = await testWorker();
  const first = await subscribe(worker), second = await subscribe(worker, { set: first.set });
  await push(first.push, "one");
  await using stream = await listen(first.set);
  await stream.until(() => stream.events.length === 1);
  equal(await remove(first.subscription), [204, undefined]);
  await push(second.push, "two");
  await using again = await listen(first.set, { headers: { "last-event-id": stream.told()[0]!.id } });
  await again.until(() => again.events.length === 1);
  equal(again.texts(), ["two"]);
});

Deno.test("push service: nothing is told after its TTL, and one of 0 is for who is there", async () => {
  const clock = manualClock(Date.now());
  await using worker = await testWorker({ clock });
  const { subscription, push: resource } = await subscribe(worker);
  await using there = await listen(subscription);
  equal((await push(resource, "now", { ttl: "0" })).headers.get("ttl"), "0");
  await push(resource, "short", { ttl: "10" });
  await push(resource, "long", { ttl: "999999999" });
  await there.until(() => there.events.length === 3);
  clock.advance(11_000);
  await using late = await listen(subscription);
  await late.until(() => late.events.length === 1);
  equal(late.texts(), ["long"]);
  await worker.minute();
  equal((await Array.fromAsync(worker.kv.list({ prefix: ["push_message"] }))).length, 1);
});

Deno.test("push service: a set is read as one", async () => {
  await using worker = await testWorker();
  const first = await subscribe(worker), second = await subscribe(worker, { set: first.set });
  equal(second.set, first.set);
  await using stream = await listen(first.set);
  await push(first.push, "one");
  await push(second.push, "two");
  await stream.until(() => stream.events.length === 2);
  equal(stream.texts().toSorted(), ["one", "two"]);
  const { id } = stream.told().find(({ body }) => atob(body!) === "two")!;
  await using again = await listen(first.set, { query: `last_event_id=${id}` });
  await again.until(() => again.events.length === 1);
  equal(again.texts(), ["one"]);
});

Deno.test("push service: who asks for a receipt hears of what was acknowledged, and of what has expired", async () => {
  const clock = manualClock(Date.now());
  await using worker = await testWorker({ clock });
  const { subscription, push: resource } = await subscribe(worker);
  const { receipts, asked } = await askReceipts(worker);
  const [taken, lost] = [await push(resource, "a", asked), await push(resource, "b", { ...asked, ttl: "10" })];
  equal([taken.status, lost.status], [202, 202]);
  await using stream = await listen(subscription);
  await stream.until(() => stream.events.length === 2);
  equal(await remove(taken.location), [204, undefined]);
  clock.advance(11_000);
  await worker.minute();
  await using told = await listen(receipts);
  await told.until(() => told.events.length === 2);
  equal(told.told().map(({ message, status }) => [message, status]), [[taken.location, 204], [lost.location, 410]]);
});

Deno.test("push service: nobody gets a receipt of what was replaced, and what was acknowledged leaves nothing", async () => {
  const clock = manualClock(Date.now());
  await using worker = await testWorker({ clock });
  const { subscription, push: resource } = await subscribe(worker);
  const { receipts, asked } = await askReceipts(worker);
  await push(resource, "old", { ...asked, topic: "a" });
  const fresh = await push(resource, "new", { ...asked, topic: "a" });
  const short = await push(resource, "short", { ...asked, ttl: "10" });
  const last = await push(resource, "last");
  await using stream = await listen(subscription);
  await stream.until(() => stream.events.length === 3);
  clock.advance(11_000);
  await using _back = await listen(subscription, { headers: { "last-event-id": stream.told()[2]!.id } });
  await worker.minute();
  await using told = await listen(receipts);
  await told.until(() => told.events.length === 2);
  equal(told.told().map(({ message, status }) => [message, status]), [[fresh.location, 204], [short.location, 410]]);
  equal(await remove(last.location), [404, "not_found"]);
  // Of both receipts, which nobody has acknowledged yet.
  equal((await Array.fromAsync(worker.kv.list({ prefix: ["push_end"] }))).length, 2);
});

Deno.test("push service: a restricted subscription takes the pushes of its key alone", async () => {
  await using worker = await testWorker();
  const [key, other] = [await freshVapidKey(), await freshVapidKey()], { origin } = new URL(worker.url);
  const { push: resource } = await subscribe(worker, { vapid: key.point });
  const good = await vapidFor(key, origin), forged = good.replace(/\.[\w-]+,/, `.${"A".repeat(86)},`);
  const cases: [what: string, authorization: string | undefined, status: number, code: string | undefined][] = [
    ["good", good, 201, undefined],
    ["the same again", good, 201, undefined],
    ["none", undefined, 401, "missing_vapid"],
    ["no vapid", "Bearer abc", 403, "vapid_refused"],
    ["half of it", "vapid t=abc", 403, "vapid_refused"],
    ["no JWT", `vapid t=abc, k=${key.point}`, 403, "vapid_refused"],
    ["another key", await vapidFor(other, origin), 403, "vapid_refused"],
    ["another key's signature", await vapidFor({ ...other, point: key.point }, origin), 403, "vapid_refused"],
    ["a forged signature", forged, 403, "vapid_refused"],
    ["expired", await vapidFor(key, origin, { expires: -120 }), 403, "vapid_refused"],
    ["for too long", await vapidFor(key, origin, { expires: 25 * 3600 }), 403, "vapid_refused"],
    ["for another origin", await vapidFor(key, "https://push.example"), 403, "vapid_refused"],
  ];
  for (const [what, authorization, status, code] of cases) {
    const answer = await push(resource, "a", { authorization });
    equal([what, answer.status, answer.code], [what, status, code]);
  }
  equal((await push(resource, "a")).headers.get("www-authenticate"), "vapid");
  equal((await Array.fromAsync(worker.kv.list({ prefix: ["push_message"] }))).length, 2);
});

Deno.test("push service: each fault has its answer, and changes nothing", async () => {
  using seen = witness();
  await using worker = await testWorker();
  const { subscription, push: resource, set } = await subscribe(worker);
  for (const url of [subscription, resource, set]) seen.keep(url.split("/").at(-1)!);
  const before = JSON.stringify(await keysOf(worker.kv));
  const cases: [what: string, headers: Record<string, string | undefined>, status: number, code: string][] = [
    ["no TTL", { ttl: undefined }, 400, "bad_request"],
    ["a TTL that is none", { ttl: "soon" }, 400, "bad_request"],
    ["a TTL below 0", { ttl: "-1" }, 400, "bad_request"],
    ["a Topic that is too long", { topic: "a".repeat(33) }, 400, "bad_request"],
    ["a Topic of other characters", { topic: "a b" }, 400, "bad_request"],
    ["an Urgency that is none", { urgency: "urgent" }, 400, "bad_request"],
    [
      "a receipt of somebody else",
      { prefer: "respond-async", "push-receipt": "https://push.example/r" },
      400,
      "bad_request",
    ],
  ];
  for (const [what, headers, status, code] of cases) {
    const answer = await push(resource, "a", headers);
    equal([what, answer.status, answer.code], [what, status, code]);
  }
  const made = `${resource.slice(0, -1)}${resource.endsWith("A") ? "B" : "A"}`;
  for (const url of [made, `${resource}x`, resource.slice(0, -1)]) {
    const { status, code } = await push(url);
    equal([status, code], [404, "not_found"]);
  }
  equal((await push(resource.replace("/push/push/", "/push/subscription/"))).code, "method_not_allowed");
  equal(await remove(made.replace("/push/push/", "/push/message/")), [404, "not_found"]);
  const strange = await listen(subscription, { query: "last_event_id=abc" });
  equal(strange.response.status, 400);
  equal(JSON.stringify(await keysOf(worker.kv)), before);
  seen.testify();
});

Deno.test("push service: 4,096 bytes are taken, one more is 413, told or in pieces", async () => {
  await using worker = await testWorker();
  const { push: resource } = await subscribe(worker);
  equal((await push(resource, new Uint8Array(4_096))).status, 201);
  const large = await push(resource, new Uint8Array(4_097));
  equal([large.status, large.code], [413, "too_large"]);
  const pieces = new ReadableStream({
    start(controller) {
      for (let n = 0; n < 5; n++) controller.enqueue(new Uint8Array(1_000));
      controller.close();
    },
  });
  const response = await fetch(resource, { method: "POST", body: pieces, headers: { ttl: "1" } });
  await response.body?.cancel();
  equal(response.status, 413);
});

Deno.test("push service: whoever subscribes needs a token with a subject, and has its bounds", async () => {
  await using worker = await testWorker();
  const url = `${worker.url}/-/push/subscribe`;
  equal(await statusOf(fetch(url, { method: "POST" })), [401, "missing_token"]);
  const token = await accessToken(worker, { claims: { sub: "reader" } });
  const post = (headers: Record<string, string>, body?: string) =>
    statusOf(
      fetch(url, { method: "POST", headers: { authorization: `Bearer ${token}`, ...headers }, body: body ?? null }),
    );
  equal(await post({ "content-type": "application/json" }, "{}"), [415, "wrong_type"]);
  const options = { "content-type": "application/webpush-options+json" };
  equal(await post(options, '{"vapid":"abc"}'), [400, "bad_request"]);
  equal(await post(options, '{"vapid":1}'), [400, "bad_request"]);
  equal(await post({ link: '<https://push.example/-/push/set/a>; rel="urn:ietf:params:push:set"' }), [
    400,
    "bad_request",
  ]);
  equal((await Array.fromAsync(worker.kv.list({ prefix: ["mailbox"] }))).length, 0);
});

Deno.test("push service: a subscription that ends takes nothing more, and its reader is let go", async () => {
  await using worker = await testWorker();
  const { subscription, push: resource } = await subscribe(worker);
  await using stream = await listen(subscription);
  equal(await remove(subscription), [204, undefined]);
  await stream.until(() => stream.state.ended);
  equal([(await push(resource)).status, await remove(subscription)], [404, [404, "not_found"]]);
  equal(
    (await keysOf(worker.kv)).filter(([name]) => String(name).startsWith("mailbox") || name === "push_resource"),
    [],
  );
});

Deno.test("push service: who is not used for a month ends, who is read goes on", async () => {
  const clock = manualClock(Date.now());
  await using worker = await testWorker({ clock });
  const [used, unused] = [await subscribe(worker), await subscribe(worker, { sub: "other" })];
  clock.advance(20 * DAY);
  (await listen(used.subscription)).close();
  clock.advance(LIFE - 20 * DAY + 1);
  await worker.minute();
  equal([(await push(used.push)).status, (await push(unused.push)).status], [201, 404]);
});

Deno.test("push service: who is read by its set goes on as well", async () => {
  const clock = manualClock(Date.now());
  await using worker = await testWorker({ clock });
  const used = await subscribe(worker);
  clock.advance(20 * DAY);
  (await listen(used.set)).close();
  clock.advance(LIFE - 20 * DAY + 1);
  await worker.minute();
  equal((await push(used.push)).status, 201);
});

Deno.test("push service: one subject takes no more seats than it may, by whichever of its addresses", async () => {
  await using worker = await testWorker({ env: { CARILLON_MAX_SUBJECT_STREAMS: "2" } });
  const { subscription, set } = await subscribe(worker);
  await using _first = await listen(subscription);
  await using _second = await listen(set);
  equal(await statusOf(fetch(subscription)), [429, "too_many_streams"]);
  const other = await subscribe(worker, { sub: "other" });
  await using third = await listen(other.subscription);
  equal(third.response.status, 200);
});

Deno.test("push service: of a reader who never comes a bounded number is kept, the urgent and the newest", async () => {
  await using worker = await testWorker();
  const { subscription, push: resource } = await subscribe(worker);
  await push(resource, "urgent", { urgency: "high" });
  for (let n = 0; n < 150; n++) await push(resource, `${n}`);
  await eventually("the mailbox is trimmed", async () => {
    const kept = await Array.fromAsync(worker.kv.list({ prefix: ["push_message"] }));
    return kept.length <= MAX_MESSAGES + 20;
  });
  await using stream = await listen(subscription);
  await stream.until(() => stream.texts().at(-1) === "149");
  equal([stream.texts()[0], stream.events.length <= MAX_MESSAGES + 20], ["urgent", true]);
  const { values } = await worker.metrics.pushMessages.get();
  ok(values.find(({ labels }) => labels.outcome === "dropped")!.value > 0);
});

Deno.test("push service: addresses tell nothing of each other", async () => {
  await using worker = await testWorker();
  const [a, b] = [await subscribe(worker), await subscribe(worker)];
  const tokens = [a, b].flatMap((each) => Object.values(each)).map((url) => url.split("/").at(-1)!);
  equal(new Set(tokens).size, 6);
  for (const token of tokens) {
    ok(/^[\w-]{38}$/.test(token));
    ok(tokens.every((other) => other === token || other.slice(0, 6) !== token.slice(0, 6)));
  }
});

Deno.test("push service: any fields and bytes are a message that arrives as it was, or a refusal that says why", async () => {
  await using worker = await testWorker();
  const { subscription, push: resource } = await subscribe(worker);
  await using stream = await listen(subscription);
  const printable = fc.string({
    unit: fc.integer({ min: 33, max: 126 }).map((code) => String.fromCharCode(code)),
    maxLength: 40,
  });
  const body = fc.uint8Array({ maxLength: 4_096 });
  await fc.assert(
    fc.asyncProperty(printable, printable, printable, body, async (ttl, topic, urgency, bytes) => {
      const fields = { ttl: ttl || undefined, topic: topic || undefined, urgency: urgency || undefined };
      const one = fc.sample(fc.constantFrom<keyof typeof fields>("ttl", "topic", "urgency"), 1)[0]!;
      const sent = await push(resource, new Uint8Array(bytes), { [one]: fields[one] });
      if (sent.status !== 201) return equal([sent.status, sent.code], [400, "bad_request"]);
      await stream.until(() => stream.told().some(({ message }) => message === sent.location));
      const told = stream.told().find(({ message }) => message === sent.location)!;
      equal(told.body, new Uint8Array(bytes).toBase64({ alphabet: "base64url", omitPadding: true }));
    }),
    { numRuns: 60 },
  );
});

async function keysOf(kv: Deno.Kv): Promise<Deno.KvKey[]> {
  return (await Array.fromAsync(kv.list({ prefix: [] }))).map(({ key }) => key);
}
