import type { Outcome } from "../../src/model/delivery.ts";
import { FCM, MAX_DATA } from "../../src/transports/fcm.ts";
import { printPush } from "../../src/wire/push_message.ts";
import { equal, ok, refuses } from "../helpers/assert.ts";
import { manualClock } from "../helpers/clock.ts";
import { contentOf } from "../helpers/deliveries.ts";
import { freshRegistration } from "../helpers/vendor_accounts.ts";
import { withFcm } from "../helpers/vendors.ts";

const DELIVERED: Outcome = { kind: "delivered" };
const SECOND = 1_000, MINUTE = 60_000;

Deno.test("fcm: a message of data carries what is told, and Google takes it", async () => {
  const clock = manualClock();
  await using fcm = await withFcm({ clock });
  const message = contentOf("https://dav.example/alice/work/"), address = fcm.fresh();
  equal(
    await fcm.send({ message, until: clock.now() + MINUTE, replaces: "abcdefghijklmnopqrstuv" }, address),
    DELIVERED,
  );
  const push = JSON.stringify(JSON.parse(printPush(message)).push);
  const android = { priority: "NORMAL", ttl: "60s" };
  equal(fcm.fake.messages, [{ token: address.slice("fcm:".length), data: { push }, android }]);
});

Deno.test("fcm: the initial push is a message without a change", async () => {
  await using fcm = await withFcm();
  equal(await fcm.send({ message: undefined }, fcm.fresh(), false), DELIVERED);
  equal(fcm.fake.messages.map(({ data }) => data), [{ push: '{"messages":[]}' }]);
});

Deno.test("fcm: what is important wakes a device that sleeps, nothing else does", async () => {
  await using fcm = await withFcm();
  for (const priority of [0, 50, 74, 75, 100]) {
    equal(await fcm.send({ message: contentOf("https://dav.example/alice/work/", { priority }) }), DELIVERED);
  }
  const priorities = fcm.fake.messages.map(({ android }) => android.priority);
  equal(priorities, ["NORMAL", "NORMAL", "NORMAL", "HIGH", "HIGH"]);
});

Deno.test("fcm: a message lives as long as its subscription, 28 days at most", async () => {
  const clock = manualClock();
  await using fcm = await withFcm({ clock });
  for (const seconds of [-5, 0, 1.9, 3_600, 1e9]) await fcm.send({ until: clock.now() + seconds * SECOND });
  const lives = fcm.fake.messages.map(({ android }) => android.ttl);
  equal(lives, ["1s", "1s", "1s", "3600s", `${28 * 86_400}s`]);
});

Deno.test("fcm: of 500 at once the first is alone, then all go over one connection with one token", async () => {
  await using fcm = await withFcm();
  const outcomes = await Promise.all(Array.from({ length: 500 }, () => fcm.send()));
  equal(new Set(outcomes.map(({ kind }) => kind)), new Set(["delivered"]));
  equal([fcm.fake.load.connections, fcm.fake.load.most <= 80, fcm.fake.asked()], [1, true, 1]);
  equal(fcm.push.stats(), { open: 0, inFlight: 0, waiting: 0, faults: {} });
});

Deno.test("fcm: the largest message fits, without what does not", async () => {
  await using fcm = await withFcm();
  const { topic, merged } = contentOf("t".repeat(1_024), { syncToken: "s".repeat(1_024) })!;
  for (const data of ["d".repeat(1_000), "d".repeat(3_900), "\u0001".repeat(3_000)]) {
    equal(await fcm.send({ message: { topic, merged: { ...merged, data } } }), DELIVERED);
  }
  equal(fcm.fake.messages.map(({ data }) => "push".length + data.push!.length <= MAX_DATA), [true, true, true]);
  equal(fcm.fake.messages.map(({ data }) => data.push!.includes('"data"')), [true, false, false]);
});

Deno.test("fcm: a registration token is kept as a URL, byte for byte", async () => {
  await using fcm = await withFcm();
  const { offer } = fcm.push;
  for (const token of [freshRegistration(), `APA91b${"aZ09-_".repeat(30)}`, "a:b.c~d=e+f-g_".repeat(5)]) {
    const target = await offer.readTarget({ endpoint: token, keys: {} });
    equal(target, { transport: "fcm", address: `fcm:${token}`, keys: {}, vapidKey: "" });
    equal(new URL(target.address).href, target.address);
    equal(await fcm.send({}, target.address), DELIVERED);
  }
  equal([offer.name, offer.uri, offer.data], ["fcm", FCM, { "project-id": "calendar-1234" }]);
});

Deno.test("fcm: whatever is no registration token is refused, and not said", async () => {
  await using fcm = await withFcm();
  const token = freshRegistration(), { readTarget } = fcm.push.offer;
  const bad = ["", token.slice(0, 31), `${token}/`, `${token}?`, `${token}#`, ` ${token}`, `${token}\n`, `${token}%41`];
  for (const endpoint of [...bad, `../${token}`, `${token}"`, token.repeat(10), "é".repeat(64)]) {
    const { message } = await refuses("bad_address", () => readTarget({ endpoint }));
    ok(!message.includes(token.slice(0, 12)), message);
  }
  await refuses("bad_request", () => readTarget({ endpoint: token, keys: { auth: "x" } }));
});
