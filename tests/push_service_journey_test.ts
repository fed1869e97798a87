/** A receiver at our own push service, and whoever sends to push services: web-push, pywebpush, and we ourselves. */
import webPush from "web-push";
import { equal } from "./helpers/assert.ts";
import { component } from "./helpers/component.ts";
import { findPyWebPush, pushByPython } from "./helpers/py_web_push.ts";
import { failsAs } from "./helpers/receiver_error.ts";
import { hear, openRig, type Rig } from "./helpers/receiver_rig.ts";
import { accessToken, securityEvent } from "./helpers/worker.ts";

const withPython = await component("pywebpush", findPyWebPush);

type VapidKeys = ReturnType<typeof webPush.generateVAPIDKeys>;
type Subscription = { endpoint: string; keys: { p256dh: string; auth: string } };

/** What the `web-push` package is answered. */
async function send(
  { agent }: Rig,
  subscription: Subscription,
  text: string,
  { vapid, ...more }: { vapid?: VapidKeys; urgency?: webPush.Urgency; topic?: string; TTL?: number } = {},
): Promise<number> {
  const vapidDetails = vapid && { subject: "mailto:node@dav.example", ...vapid };
  const sent = webPush.sendNotification(subscription, text, {
    agent,
    TTL: 60,
    ...(vapidDetails && { vapidDetails }),
    ...more,
  });
  return (await sent.catch((refused: webPush.WebPushError) => refused)).statusCode;
}

Deno.test("journey: what the web-push package sends is heard, before and while somebody listens, in order", async () => {
  await using rig = await openRig();
  const receiver = await rig.subscribe();
  equal(await send(rig, receiver.subscription, "before"), 201);
  await using heard = hear(receiver);
  await heard.until(() => heard.texts.length === 1);
  for (const text of ["größer", "x".repeat(3_993)]) equal(await send(rig, receiver.subscription, text), 201);
  await heard.until(() => heard.texts.length === 3);
  equal([heard.texts, heard.faults], [["before", "größer", "x".repeat(3_993)], []]);
});

Deno.test("journey: what was taken is never heard again, and what was sent meanwhile is, after a restart of the receiver", async () => {
  await using rig = await openRig();
  const receiver = await rig.subscribe();
  {
    await using heard = hear(receiver);
    equal(await send(rig, receiver.subscription, "one"), 201);
    await heard.until(() => heard.texts.length === 1);
  }
  const kept = JSON.parse(JSON.stringify(receiver.export()));
  for (const text of ["old", "new"]) equal(await send(rig, receiver.subscription, text, { topic: "news" }), 201);
  await using heard = hear(await rig.resume(kept));
  await heard.until(() => heard.texts.length === 1);
  equal(await send(rig, receiver.subscription, "last"), 201);
  await heard.until(() => heard.texts.length === 2);
  equal(heard.texts, ["new", "last"]);
});

Deno.test("journey: a connection that breaks is made again, and nothing is missed or heard twice", async () => {
  await using rig = await openRig();
  const receiver = await rig.subscribe();
  await using heard = hear(receiver);
  for (const text of ["one", "two", "three"]) {
    equal(await send(rig, receiver.subscription, text), 201);
    await heard.until(() => heard.texts.at(-1) === text);
    rig.front.cut();
  }
  equal(await send(rig, receiver.subscription, "four"), 201);
  await heard.until(() => heard.texts.at(-1) === "four");
  equal(heard.texts, ["one", "two", "three", "four"]);
});

Deno.test("journey: who wants what is urgent alone hears that, and the rest when it wants more", async () => {
  await using rig = await openRig();
  const receiver = await rig.subscribe();
  for (const urgency of ["low", "high", "normal"] as const) {
    equal(await send(rig, receiver.subscription, urgency, { urgency }), 201);
  }
  {
    await using heard = hear(receiver, "high");
    await heard.until(() => heard.texts.length === 1);
    equal(heard.texts, ["high"]);
  }
  await using heard = hear(receiver);
  await heard.until(() => heard.texts.length === 2);
  equal(heard.texts, ["low", "normal"]);
});

Deno.test("journey: a receiver that is restricted to a key hears nobody else", async () => {
  await using rig = await openRig();
  const [vapid, other] = [webPush.generateVAPIDKeys(), webPush.generateVAPIDKeys()];
  const receiver = await rig.subscribe(vapid.publicKey), to = receiver.subscription;
  await using heard = hear(receiver);
  equal(await send(rig, to, "nobody"), 401);
  equal(await send(rig, to, "other", { vapid: other }), 403);
  equal(await send(rig, to, "right", { vapid }), 201);
  await heard.until(() => heard.texts.length === 1);
  equal(heard.texts, ["right"]);
});

withPython(
  "journey: what pywebpush sends is heard, and where it is restricted only from the right key",
  async (python) => {
    await using rig = await openRig();
    const [vapid, other] = [webPush.generateVAPIDKeys(), webPush.generateVAPIDKeys()];
    const [open, restricted] = [await rig.subscribe(), await rig.subscribe(vapid.publicKey)];
    await using anybody = hear(open);
    await using heard = hear(restricted);
    const statuses = await pushByPython(python, [
      { subscription: open.subscription, data: "grüße", headers: { urgency: "high", topic: "news" } },
      { subscription: restricted.subscription, data: "nobody" },
      { subscription: restricted.subscription, data: "other", key: other.privateKey },
      { subscription: restricted.subscription, data: "right", key: vapid.privateKey },
    ]);
    equal(statuses, [201, 401, 403, 201]);
    await anybody.until(() => anybody.texts.length === 1);
    await heard.until(() => heard.texts.length === 1);
    equal([anybody.texts, heard.texts], [["grüße"], ["right"]]);
  },
);

Deno.test("journey: a change is rung, our own Web Push transport sends it, our own push service keeps it, the receiver reads it", async () => {
  await using rig = await openRig();
  const { worker } = rig, authorization = `Bearer ${await accessToken(worker, { subscribe: ["*"] })}`;
  const { transports } = await (await rig.fetch(`${rig.front.url}/-/transports`, {})).json();
  const receiver = await rig.subscribe(transports[0].vapidPublicKey);
  await using heard = hear(receiver);
  const topic = "https://dav.example/alice/work/", body = JSON.stringify({ ...receiver.subscription, topics: [topic] });
  const headers = { authorization, "content-type": "application/json" };
  const made = await rig.fetch(`${rig.front.url}/-/subscriptions`, { method: "POST", headers, body });
  equal([made.status, await made.text().then(() => true)], [201, true]);
  const set = { method: "POST", headers: { "content-type": "application/secevent+jwt" } };
  const rung = await rig.fetch(`${rig.front.url}/-/events`, { ...set, body: await securityEvent(worker, [topic]) });
  equal([rung.status, await rung.text()], [202, ""]);
  const changes = () => heard.texts.flatMap((text) => JSON.parse(text).push.messages).map((message) => message.topic);
  await heard.until(() => changes().length === 1);
  equal([changes(), heard.faults], [[topic], []]);
});

Deno.test("journey: after the end nobody can send, and who listens is told that it is gone", async () => {
  await using rig = await openRig();
  const receiver = await rig.subscribe(),
    listening = receiver.listen({ signal: new AbortController().signal, onMessage: () => {} });
  await receiver.end();
  await failsAs("gone", listening);
  equal(await send(rig, receiver.subscription, "late"), 404);
  await receiver.end();
});
