import type { Outcome } from "../../src/model/delivery.ts";
import { APNS, MAX_PAYLOAD } from "../../src/transports/apns.ts";
import { printPush } from "../../src/wire/push_message.ts";
import { equal, ok, refuses } from "../helpers/assert.ts";
import { manualClock } from "../helpers/clock.ts";
import { contentOf } from "../helpers/deliveries.ts";
import { freshDevice } from "../helpers/vendor_accounts.ts";
import { withApns } from "../helpers/vendors.ts";

const DELIVERED: Outcome = { kind: "delivered" };
const TOPIC = "abcdefghijklmnopqrstuv";
const MINUTE = 60_000;

const asText = (value: unknown) => JSON.stringify(value);

Deno.test("apns: a notification in the background carries the message, and Apple takes it", async () => {
  const clock = manualClock();
  await using apns = await withApns({ clock });
  const message = contentOf("https://dav.example/alice/work/", { priority: 80 }), address = apns.fresh();
  equal(await apns.send({ message, until: clock.now() + MINUTE, replaces: TOPIC }, address), DELIVERED);
  const [{ device, headers, payload }, ...others] = apns.fake.notifications as [typeof apns.fake.notifications[0]];
  equal([`apns:${device}`, others.length, apns.fake.reasons], [address, 0, []]);
  equal(payload, { aps: { "content-available": 1 }, ...JSON.parse(printPush(message)) });
  const names = ["apns-topic", "apns-push-type", "apns-priority", "apns-expiration", "apns-collapse-id"];
  const expiration = `${clock.now() / 1000 + 60}`;
  equal(names.map((name) => headers[name]), ["org.example.calendar", "background", "5", expiration, TOPIC]);
});

Deno.test("apns: the initial push is a message without a change", async () => {
  await using apns = await withApns();
  equal(await apns.send({ message: undefined }, apns.fresh(), false), DELIVERED);
  const [{ headers, payload }] = apns.fake.notifications as [typeof apns.fake.notifications[0]];
  equal([payload.push, headers["apns-collapse-id"]], [{ messages: [] }, undefined]);
});

Deno.test("apns: what tells of properties is never replaced by another message", async () => {
  await using apns = await withApns();
  const { topic, merged } = contentOf("https://dav.example/alice/work/")!;
  const property = { depths: ["0" as const], except: [], timestamp: merged.timestamp, props: [] };
  equal(await apns.send({ message: { topic, merged: { ...merged, property } }, replaces: TOPIC }), DELIVERED);
  equal(apns.fake.notifications.map(({ headers }) => headers["apns-collapse-id"]), [undefined]);
});

Deno.test("apns: of 500 at once the first is alone, then all go over one connection with one token", async () => {
  await using apns = await withApns();
  const outcomes = await Promise.all(Array.from({ length: 500 }, () => apns.send()));
  equal(new Set(outcomes.map(({ kind }) => kind)), new Set(["delivered"]));
  equal([apns.fake.load.connections, apns.fake.load.most <= 80], [1, true]);
  equal(new Set(apns.fake.requests.map(({ headers }) => headers.authorization)).size, 1);
  equal(apns.push.stats(), { open: 0, inFlight: 0, waiting: 0, faults: {} });
});

Deno.test("apns: the largest message fits, without what does not", async () => {
  await using apns = await withApns();
  const { topic, merged } = contentOf("t".repeat(1_024), { syncToken: "s".repeat(1_024) })!;
  for (const data of ["d".repeat(1_000), "d".repeat(3_900), "\u0001".repeat(3_000)]) {
    equal(await apns.send({ message: { topic, merged: { ...merged, data } } }), DELIVERED);
  }
  equal(apns.fake.requests.map(({ body }) => body.byteLength <= MAX_PAYLOAD), [true, true, true]);
  equal(apns.fake.notifications.map(({ payload }) => asText(payload).includes('"data"')), [true, false, false]);
});

Deno.test("apns: a device token is read in either case, and kept as a URL", async () => {
  await using apns = await withApns();
  const { offer } = apns.push;
  for (const device of [freshDevice(), freshDevice(80).toUpperCase(), freshDevice(100)]) {
    const target = await offer.readTarget({ endpoint: device });
    equal(target, { transport: "apns", address: `apns:${device.toLowerCase()}`, keys: {}, vapidKey: "" });
    equal(new URL(target.address).href, target.address);
    equal(await apns.send({}, target.address), DELIVERED);
  }
  equal([offer.name, offer.uri, offer.data["apns-topic"]], ["apns", APNS, "org.example.calendar"]);
});

Deno.test("apns: whatever is no device token is refused, and not said", async () => {
  await using apns = await withApns();
  const device = freshDevice(), { readTarget } = apns.push.offer;
  const bad = [
    "",
    device.slice(2),
    `${device}0`,
    `${device}/`,
    ` ${device}`,
    `apns:${device}`,
    device + "ab".repeat(69),
  ];
  for (const endpoint of [...bad, `../${device}`, `${device}\n`, `${device.slice(1)}g`, "é".repeat(64)]) {
    const { message } = await refuses("bad_address", () => readTarget({ endpoint }));
    ok(!message.includes(device.slice(0, 12)), message);
  }
  await refuses("bad_request", () => readTarget({ endpoint: device, keys: { auth: "x" } }));
});
