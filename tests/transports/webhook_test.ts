import { getLogger } from "@logtape/logtape";
import { type Clock, systemClock } from "../../src/clock.ts";
import type { Delivery } from "../../src/model/delivery.ts";
import { parsePushHost } from "../../src/model/push_host.ts";
import { createEnvelope } from "../../src/store/seal.ts";
import { createEgress } from "../../src/transports/egress.ts";
import { createTrust } from "../../src/transports/trust.ts";
import { createWebhook } from "../../src/transports/webhook.ts";
import { makeSecret, openWebhookReceiver, type WebhookReceiver } from "../fakes/webhook.ts";
import { equal, ok, refuses } from "../helpers/assert.ts";
import { certificates } from "../helpers/certificates.ts";
import { manualClock } from "../helpers/clock.ts";
import { component } from "../helpers/component.ts";
import { contentOf, deliveryTo } from "../helpers/deliveries.ts";
import { findPyWebhook, webhookVerdicts } from "../helpers/py_webhook.ts";

const TOPIC = "https://dav.example/alice/work/";

/** The transport as a worker has it; it reaches this machine. */
function openWebhook({ clock = systemClock, secret }: { clock?: Clock; secret?: string } = {}) {
  const trust = createTrust([parsePushHost("127.0.0.1")]);
  const egress = createEgress({ trust, clock, ca: certificates.ca });
  const log = getLogger("carillon");
  const deps = { egress, clock, random: () => 0, log, ownOrigins: ["https://127.0.0.1"], ...createEnvelope(secret) };
  const hook = createWebhook(deps);
  return { ...hook, deps, [Symbol.asyncDispose]: () => egress.close() };
}

type Hook = ReturnType<typeof openWebhook>;

async function send(hook: Hook, receiver: WebhookReceiver, more: Partial<Delivery> = {}) {
  const target = await hook.offer.readTarget(receiver.subscribe());
  return await hook.send(deliveryTo(target, { message: contentOf(TOPIC), ...more }));
}

Deno.test("webhook: a change arrives signed, with an id that a repeat has as well", async () => {
  await using receiver = await openWebhookReceiver();
  await using hook = openWebhook();
  const target = await hook.offer.readTarget(receiver.subscribe());
  const delivery = deliveryTo(target, { message: contentOf(TOPIC), replaces: "r" });
  equal(
    [await hook.send(delivery), await hook.send({ ...delivery, attempt: 1 })],
    Array(2).fill({ kind: "delivered" }),
  );
  const other = { ...delivery, message: contentOf(TOPIC, { syncToken: "t2" }) };
  equal(await hook.send(other), { kind: "delivered" });
  const [first, again, next] = receiver.taken;
  equal([first!.type, again!.id === first!.id, next!.id === first!.id], ["push", true, false]);
  const { push: { messages: [told] } } = first!.data as { push: { messages: Record<string, unknown>[] } };
  equal([told!.topic, told!["sync-token"]], [TOPIC, "t1"]);
  ok(/^msg_[\w-]{22}$/.test(first!.id) && !first!.id.includes(TOPIC));
});

Deno.test("webhook: ownership is shown by echoing a challenge, another one each time", async () => {
  await using receiver = await openWebhookReceiver();
  await using hook = openWebhook();
  const initial = { message: undefined };
  equal(await send(hook, receiver, initial), { kind: "delivered" });
  receiver.reply({ status: 200, body: "welcome" }, { status: 200 });
  equal((await send(hook, receiver, initial)).kind, "retry");
  equal(await send(hook, receiver, initial), { kind: "delivered" });
  const challenges = receiver.taken.map(({ type, data }) => [type, data.challenge]);
  equal([new Set(challenges.map(([, challenge]) => challenge)).size, challenges.every(([t]) => t === "challenge")], [
    3,
    true,
  ]);
});

Deno.test("webhook: while a secret is replaced a message is signed by both", async () => {
  await using receiver = await openWebhookReceiver();
  await using hook = openWebhook({ secret: "a secret of sixteen characters and more" });
  const { endpoint, keys: { secret: previous } } = receiver.subscribe(), secret = makeSecret();
  receiver.secrets.add(secret);
  const target = await hook.offer.readTarget({ endpoint, keys: { secret, previous } });
  ok(!JSON.stringify(target.keys).includes(secret) && !JSON.stringify(target.keys).includes(previous));
  equal(await hook.send(deliveryTo(target)), { kind: "delivered" });
  equal(receiver.taken[0]!.by.toSorted(), [secret, previous].toSorted());
});

Deno.test("webhook: with another CARILLON_SECRET nothing is sent and nothing is lost", async () => {
  await using receiver = await openWebhookReceiver();
  await using before = openWebhook({ secret: "a secret of sixteen characters and more" });
  const target = await before.offer.readTarget(receiver.subscribe());
  for (const secret of [undefined, "another secret of sixteen characters"]) {
    await using hook = openWebhook(secret === undefined ? {} : { secret });
    const outcome = await hook.send(deliveryTo(target));
    equal([outcome.kind, "tried" in outcome && outcome.tried, hook.stats().faults.broken], ["retry", false, 1]);
  }
  equal([receiver.taken, receiver.refused], [[], []]);
});

Deno.test("webhook: what is too large is sent once more, as small as can be", async () => {
  await using receiver = await openWebhookReceiver();
  await using hook = openWebhook();
  receiver.reply({ status: 413 });
  equal(await send(hook, receiver), { kind: "delivered" });
  const [large, small] = receiver.taken.map(({ data }) => JSON.stringify(data).length);
  ok(small! < large!);
  receiver.always({ status: 413 });
  equal((await send(hook, receiver)).kind, "retry");
});

Deno.test("webhook: an endpoint that fails rests as a whole, as long as the schedule says", async () => {
  await using receiver = await openWebhookReceiver({ now: () => clock.now() });
  const clock = manualClock(Date.now());
  await using hook = openWebhook({ clock });
  const target = await hook.offer.readTarget(receiver.subscribe());
  receiver.always({ status: 503 });
  const failed = await hook.send(deliveryTo(target, { attempt: 1 }));
  equal(failed, { kind: "retry", at: clock.now() + 300_000, tried: true, reason: "503" });
  receiver.always(undefined);
  const held = await hook.send(deliveryTo(target));
  equal(held, { kind: "retry", at: clock.now() + 300_000, tried: false });
  clock.advance(300_001);
  equal([await hook.send(deliveryTo(target)), receiver.taken.length], [{ kind: "delivered" }, 2]);
});

const withPython = await component("standardwebhooks of PyPI", findPyWebhook);

withPython("webhook: another library verifies what we sign, by either secret and by no other", async (python) => {
  await using receiver = await openWebhookReceiver();
  await using hook = openWebhook();
  const { endpoint, keys: { secret: previous } } = receiver.subscribe(), secret = makeSecret();
  const target = await hook.offer.readTarget({ endpoint, keys: { secret, previous } });
  for (const topic of [TOPIC, "https://dav.example/é/日本/"]) {
    equal(await hook.send(deliveryTo(target, { message: contentOf(topic) })), { kind: "delivered" });
  }
  const [first, second] = receiver.taken.map(({ raw }) => raw);
  const changed = { ...first!, body: first!.body.replace("push", "Push") };
  const verdicts = await webhookVerdicts(python, [
    [secret, first!],
    [previous, first!],
    [secret, second!],
    [makeSecret(), first!],
    [secret, changed],
  ]);
  equal(verdicts, ["good", "good", "good", "WebhookVerificationError", "WebhookVerificationError"]);
});

const SECRET = makeSecret();
const REFUSED: Record<
  string,
  { endpoint?: string; keys?: Record<string, string>; code: "bad_address" | "bad_request" }
> = {
  "no secret": { keys: {}, code: "bad_request" },
  "a secret without its prefix": { keys: { secret: SECRET.slice(6) }, code: "bad_request" },
  "a short secret": { keys: { secret: `whsec_${new Uint8Array(23).toBase64()}` }, code: "bad_request" },
  "a long secret": { keys: { secret: `whsec_${new Uint8Array(65).toBase64()}` }, code: "bad_request" },
  "a secret that is no base64": { keys: { secret: `whsec_${"*".repeat(44)}` }, code: "bad_request" },
  "a bad previous secret": { keys: { secret: SECRET, previous: "x" }, code: "bad_request" },
  "http": { endpoint: "http://hooks.example/a", code: "bad_address" },
  "a private address": { endpoint: "https://10.0.0.1/a", code: "bad_address" },
  "user information": { endpoint: "https://a:b@hooks.example/a", code: "bad_address" },
  "another port": { endpoint: "https://hooks.example:8443/a", code: "bad_address" },
  "ourselves": { endpoint: "https://127.0.0.1/-/events", code: "bad_address" },
};

for (const [what, { code, ...handed }] of Object.entries(REFUSED)) {
  Deno.test(`webhook: ${what} is refused, and the error names neither address nor secret`, async () => {
    await using hook = openWebhook();
    const given = { endpoint: "https://hooks.example/a", keys: { secret: SECRET }, ...handed };
    const { message } = await refuses(code, () => hook.offer.readTarget(given));
    ok(!message.includes(SECRET) && !message.includes("hooks.example"), message);
  });
}

Deno.test("webhook: a stranger who names somebody's address stops nobody but the stranger", async () => {
  await using receiver = await openWebhookReceiver();
  await using hook = openWebhook();
  const { endpoint, keys } = receiver.subscribe();
  const [own, strange] = [
    await hook.offer.readTarget({ endpoint, keys }),
    await hook.offer.readTarget({ endpoint, keys: { secret: makeSecret() } }),
  ];
  const initial = deliveryTo(strange, { message: undefined });
  const stranger = { ...initial, subscriber: { ...initial.subscriber, id: "stranger", confirmed: false } };
  equal((await hook.send(stranger)).kind, "retry");
  equal(await hook.send(deliveryTo(own)), { kind: "delivered" });
  const again = await hook.send(stranger);
  equal([again.kind, "tried" in again && again.tried], ["retry", false]);
});

Deno.test("webhook: ten addresses of one host that are not there stop no other one", async () => {
  await using receiver = await openWebhookReceiver();
  await using hook = openWebhook();
  const own = await hook.offer.readTarget(receiver.subscribe());
  equal(await hook.send(deliveryTo(own)), { kind: "delivered" });
  receiver.always({ status: 404 });
  for (let n = 0; n < 10; n++) {
    const strange = deliveryTo(await hook.offer.readTarget(receiver.subscribe()), { message: undefined });
    equal((await hook.send({ ...strange, subscriber: { ...strange.subscriber, confirmed: false } })).kind, "retry");
  }
  receiver.always(undefined);
  equal(await hook.send(deliveryTo(own)), { kind: "delivered" });
});
