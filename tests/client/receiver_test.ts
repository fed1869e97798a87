import { createReceiver, resumeReceiver } from "../../src/client/receiver.ts";
import { makeKeys } from "../../src/client/keys.ts";
import { equal, ok } from "../helpers/assert.ts";
import { openListening } from "../helpers/listening.ts";
import { openPushMailbox } from "../helpers/push_mailbox.ts";
import { failsAs } from "../helpers/receiver_error.ts";

const TOKEN = "a-secret-token";

Deno.test("receiver: it subscribes with its token, and gives out a PushSubscription of whole addresses", async () => {
  await using mailbox = await openPushMailbox();
  const receiver = await createReceiver({ url: mailbox.url, token: TOKEN });
  const { endpoint, expirationTime, keys } = JSON.parse(JSON.stringify(receiver.subscription));
  equal([endpoint, expirationTime, Object.keys(keys)], [`${mailbox.url}/push/to`, null, ["p256dh", "auth"]]);
  const [{ method, path, headers, body }] = mailbox.asked as [typeof mailbox.asked[0]];
  equal([method, path, headers.authorization, body], ["POST", "/-/push/subscribe", `Bearer ${TOKEN}`, ""]);
});

Deno.test("receiver: with a VAPID key it asks that only this key may push", async () => {
  await using mailbox = await openPushMailbox();
  await createReceiver({ url: mailbox.url, token: TOKEN, vapid: "BPoint" });
  const [{ headers, body }] = mailbox.asked as [typeof mailbox.asked[0]];
  equal([headers["content-type"], JSON.parse(body)], ["application/webpush-options+json", { vapid: "BPoint" }]);
});

Deno.test("receiver: it takes the keys that it is given, or asks nobody when they are none", async () => {
  await using mailbox = await openPushMailbox();
  const keys = await makeKeys(), made = await createReceiver({ url: mailbox.url, token: TOKEN, keys });
  equal([made.export().keys, made.subscription.keys.auth], [keys, keys.auth]);
  await failsAs("bad_keys", createReceiver({ url: mailbox.url, token: TOKEN, keys: { ...keys, auth: "short" } }));
  equal(mailbox.asked.length, 1);
});

Deno.test("receiver: what it exports is JSON, and goes on after a restart without asking anybody", async () => {
  await using mailbox = await openPushMailbox();
  const receiver = await createReceiver({ url: mailbox.url, token: TOKEN });
  const kept = JSON.parse(JSON.stringify(receiver.export()));
  ok(!JSON.stringify(kept).includes(TOKEN));
  const resumed = await resumeReceiver(kept);
  equal([resumed.subscription, resumed.export()], [receiver.subscription, kept]);
  equal(mailbox.asked.length, 1);
});

for (
  const [status, code] of [
    [400, "refused"],
    [401, "refused"],
    [403, "refused"],
    [404, "gone"],
    [429, "unavailable"],
    [503, "unavailable"],
    [200, "unavailable"],
  ] as const
) {
  Deno.test(`receiver: ${status} to the subscription is ${code}`, async () => {
    await using mailbox = await openPushMailbox();
    mailbox.answer("POST", { status, body: TOKEN });
    const fault = await failsAs(code, createReceiver({ url: mailbox.url, token: TOKEN }));
    equal(fault.status, status);
    ok(!fault.message.includes(TOKEN) && !fault.message.includes(mailbox.url), fault.message);
  });
}

Deno.test("receiver: a redirect of the push service is never followed with the token", async () => {
  await using mailbox = await openPushMailbox();
  mailbox.answer("POST", { status: 307, headers: { location: `${mailbox.url}/elsewhere` } });
  await failsAs("unavailable", createReceiver({ url: mailbox.url, token: TOKEN }));
  equal(mailbox.asked.map(({ path }) => path), ["/-/push/subscribe"]);
});

Deno.test("receiver: an answer that does not name both resources is malformed", async () => {
  await using mailbox = await openPushMailbox();
  const link = '</push/to>; rel="urn:ietf:params:push"', location = "/push/mine";
  for (const headers of [{ link }, { location }, { location, link: '</push/to>; rel="other"' }]) {
    mailbox.answer("POST", { status: 201, headers: headers as Record<string, string> });
    await failsAs("malformed", createReceiver({ url: mailbox.url, token: TOKEN }));
  }
});

Deno.test("receiver: a push service that is not there is unavailable, and its address is not said", async () => {
  const mailbox = await openPushMailbox();
  await mailbox.stop();
  const { message, cause } = await failsAs("unavailable", createReceiver({ url: mailbox.url, token: TOKEN }));
  ok(!message.includes("127.0.0.1") && cause === undefined, message);
});

Deno.test("receiver: the end deletes the subscription, and one that has ended already is no fault", async () => {
  await using mailbox = await openPushMailbox();
  const receiver = await createReceiver({ url: mailbox.url, token: TOKEN });
  await receiver.end();
  mailbox.answer("DELETE", { status: 410 });
  await receiver.end();
  equal(mailbox.asked.slice(1).map(({ method, path }) => [method, path]), Array(2).fill(["DELETE", "/push/mine"]));
  mailbox.answer("DELETE", { status: 503 });
  await failsAs("unavailable", receiver.end());
});

Deno.test("receiver: it listens once at a time", async () => {
  await using mailbox = await openPushMailbox();
  await using listening = await openListening(mailbox);
  const again = () => listening.receiver.listen({ signal: AbortSignal.abort(), onMessage: () => {} });
  await failsAs("already_listening", again());
  await listening.stop();
  await again();
});
