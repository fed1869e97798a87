import fc from "fast-check";
import type { Outcome } from "../../src/model/delivery.ts";
import { APNS_REASONS, readApnsAnswer } from "../../src/transports/apns_answers.ts";
import { DEADLINE } from "../../src/transports/egress.ts";
import { KEY_PAUSE } from "../../src/transports/key_breaker.ts";
import { printPush } from "../../src/wire/push_message.ts";
import { equal, ok } from "../helpers/assert.ts";
import { manualClock } from "../helpers/clock.ts";
import { contentOf } from "../helpers/deliveries.ts";
import { freshDevice } from "../helpers/vendor_accounts.ts";
import { withApns } from "../helpers/vendors.ts";
import { witness } from "../helpers/witness.ts";

const DELIVERED: Outcome = { kind: "delivered" }, RETRY: Outcome = { kind: "retry", tried: true };
const GONE: Outcome = { kind: "gone" }, REJECTED: Outcome = { kind: "rejected" };
const MINUTE = 60_000;

const asText = (value: unknown) => JSON.stringify(value);

/** Apple's table, each row with what comes of it; `mended` waits for an operator, with nothing sent meanwhile. */
const ROWS: [status: number, reasons: string[], outcome: Outcome | "mended" | "throttled"][] = [
  [400, ["BadDeviceToken", "DeviceTokenNotForTopic"], GONE],
  [410, ["Unregistered", "ExpiredToken", "SomethingNew"], GONE],
  [400, ["BadCollapseId", "BadExpirationDate", "BadMessageId", "BadPriority", "DuplicateHeaders"], REJECTED],
  [400, ["InvalidPushType", "MissingDeviceToken", "PayloadEmpty", "SomethingNew"], REJECTED],
  [404, ["BadPath", "Unregistered"], REJECTED],
  [405, ["MethodNotAllowed"], REJECTED],
  [413, ["PayloadTooLarge", "SomethingNew"], REJECTED],
  [400, ["BadTopic", "MissingTopic", "TopicDisallowed"], "mended"],
  [403, ["BadCertificate", "BadCertificateEnvironment", "Forbidden", "SomethingNew"], "mended"],
  [403, ["InvalidProviderToken", "MissingProviderToken"], "mended"],
  [403, ["BadEnvironmentKeyIdInToken", "UnrelatedKeyIdInToken", "Unregistered"], "mended"],
  [429, ["TooManyProviderTokenUpdates"], "mended"],
  [429, ["TooManyRequests", "SomethingNew"], "throttled"],
  [400, ["IdleTimeout"], RETRY],
  [500, ["InternalServerError", "BadDeviceToken"], RETRY],
  [503, ["ServiceUnavailable", "Shutdown"], RETRY],
  [302, ["Elsewhere"], RETRY],
];

for (const [status, reasons, expected] of ROWS) {
  for (const reason of reasons) {
    Deno.test(`apns: ${status} ${reason}: ${typeof expected === "string" ? expected : expected.kind}`, async () => {
      using seen = witness();
      const clock = manualClock();
      await using apns = await withApns({ clock });
      apns.fake.refuse(status, reason, { headers: { location: `${apns.fake.origin}/3/device/elsewhere` } });
      const address = seen.keep(apns.fresh()), outcome = await apns.send({}, address);
      if (expected === "mended") {
        equal(outcome, { kind: "retry", at: clock.now() + KEY_PAUSE, tried: true });
        equal((await apns.send()).kind === "retry" && apns.push.stats().open, 1);
      } else if (expected === "throttled") equal(outcome, { kind: "retry", at: clock.now() + MINUTE, tried: true });
      else equal(outcome, expected);
      // No redirect is followed; what is too large is tried once more, shorter.
      equal(apns.fake.requests.length, status === 413 ? 2 : 1);
      equal(seen.records.map(({ level }) => level), expected === "mended" ? ["error"] : []);
      const said = asText(seen.records), isKnown = `${status} ${reason}` in APNS_REASONS;
      equal([said.includes("SomethingNew"), said.includes(reason)], [false, expected === "mended" && isKnown]);
      for (const { headers } of apns.fake.requests) seen.keep(headers.authorization!);
      for (const secret of [apns.credentials.key, address.slice("apns:".length)]) seen.keep(secret);
      seen.testify();
    });
  }
}

Deno.test("apns: the table has every row of Apple's", () => {
  const rows = ROWS.flatMap(([status, reasons]) => reasons.map((reason) => `${status} ${reason}`));
  equal(Object.keys(APNS_REASONS).filter((row) => !rows.includes(row)), ["403 ExpiredProviderToken"]);
});

Deno.test("apns: Retry-After is obeyed, by the message and by what follows it to the same device", async () => {
  for (const [status, reason] of [[429, "TooManyRequests"], [503, "ServiceUnavailable"]] as const) {
    const clock = manualClock();
    await using apns = await withApns({ clock });
    equal(await apns.send(), DELIVERED);
    apns.fake.refuse(status, reason, { headers: { "retry-after": "120" }, times: 1 });
    const address = apns.fresh();
    equal(await apns.send({}, address), { kind: "retry", at: clock.now() + 2 * MINUTE, tried: true });
    equal(await apns.send({}, address), { kind: "retry", at: clock.now() + 2 * MINUTE, tried: false });
    equal(await apns.send(), DELIVERED);
    clock.advance(2 * MINUTE);
    equal(await apns.send({}, address), DELIVERED);
  }
});

Deno.test("apns: a device that is gone is gone alone, and a key that was good is not doubted for one refusal", async () => {
  const clock = manualClock();
  await using apns = await withApns({ clock });
  equal(await apns.send(), DELIVERED);
  const address = apns.fresh();
  apns.fake.unregister(address.slice("apns:".length));
  equal(await apns.send({}, address), GONE);
  apns.fake.refuse(403, "InvalidProviderToken", { times: 1 });
  equal(await apns.send(), { kind: "retry", at: clock.now() + KEY_PAUSE, tried: true });
  equal(await apns.send(), DELIVERED);
});

Deno.test("apns: what Apple finds too large is sent once more, as small as can be", async () => {
  await using apns = await withApns();
  apns.fake.refuse(413, "PayloadTooLarge", { times: 1 });
  const message = contentOf("https://dav.example/alice/work/");
  equal(await apns.send({ message }), DELIVERED);
  const last = apns.fake.notifications.at(-1)!;
  equal(last.payload, { aps: { "content-available": 1 }, ...JSON.parse(printPush(message, { smallest: true })) });
});

Deno.test("apns: what is too large, and as small as it can be already, is not sent once more", async () => {
  await using apns = await withApns();
  apns.fake.refuse(413, "PayloadTooLarge");
  equal([await apns.send({ message: undefined }), apns.fake.requests.length], [REJECTED, 1]);
});

for (const behaviour of ["destroy", "garbage", "reset", "endless"] as const) {
  Deno.test(`apns: ${behaviour} is tried again, or counts by its status, and the next one arrives`, async () => {
    const clock = manualClock();
    await using apns = await withApns({ clock });
    equal(await apns.send(), DELIVERED);
    apns.fake.behave(behaviour, { times: 1 });
    equal(await apns.send(), behaviour === "endless" ? DELIVERED : RETRY);
    equal(await apns.send(), DELIVERED);
  });
}

Deno.test("apns: after GOAWAY the next one goes over another connection", async () => {
  await using apns = await withApns();
  apns.fake.behave("goaway", { times: 1 });
  equal([await apns.send(), await apns.send(), apns.fake.load.connections], [DELIVERED, DELIVERED, 2]);
});

Deno.test("apns: on a new connection Apple takes one until it knows our token: who comes meanwhile waits", async () => {
  await using apns = await withApns();
  apns.fake.behave("goaway", { times: 1 });
  equal(await apns.send(), DELIVERED);
  const outcomes = await Promise.all(Array.from({ length: 200 }, () => apns.send()));
  equal(new Set(outcomes.map(({ kind }) => kind)), new Set(["delivered"]));
  equal([apns.fake.load.connections, apns.fake.load.most > 1], [2, true]);
});

Deno.test("apns: a server that never answers is given up at the deadline, one that is down is tried later", async () => {
  const clock = manualClock();
  await using apns = await withApns({ clock });
  equal(await apns.send(), DELIVERED);
  apns.fake.behave("never", { times: 1 });
  const sending = apns.send();
  await apns.fake.until(() => apns.fake.requests.length === 2);
  clock.advance(DEADLINE);
  equal(await sending, RETRY);
  await apns.fake.stop();
  equal(await apns.send(), RETRY);
});

Deno.test("apns: a server on a private network must be trusted; an operator is told once", async () => {
  using seen = witness();
  const clock = manualClock();
  await using apns = await withApns({ clock, trusted: [] });
  equal([await apns.send(), await apns.send()], [RETRY, RETRY]);
  equal([apns.fake.requests.length, seen.records.length], [0, 1]);
  ok(asText(seen.records).includes("CARILLON_PUSH_HOSTS"));
});

Deno.test("apns: an address that was stored and is no device token is never sent to, nor said", async () => {
  using seen = witness();
  const clock = manualClock();
  await using apns = await withApns({ clock });
  const device = seen.keep(freshDevice());
  const addresses = [`apns:${device}/../${device}`, `apns:${device}?x`, `https://evil.example/${device}`, device, ""];
  for (const address of addresses) {
    equal(await apns.send({}, address), { kind: "retry", at: clock.now() + KEY_PAUSE, tried: false });
  }
  equal([apns.fake.load.connections, seen.records.length], [0, 1]);
  seen.testify();
});

Deno.test("apns: whatever is answered, gone is what Apple says in as many words", () => {
  const reason = fc.oneof(fc.string(), fc.constantFrom("constructor", "__proto__", "Unregistered", "BadDeviceToken"));
  const body = fc.oneof(fc.string(), fc.json(), reason.map((reason) => JSON.stringify({ reason })));
  const status = fc.oneof(fc.integer(), fc.constantFrom(200, 301, 400, 403, 404, 410, 413, 429, 500, 503));
  fc.assert(fc.property(status, fc.option(body, { nil: undefined }), (status, body) => {
    const { meaning, reason } = readApnsAnswer({ status, body });
    ok(meaning !== "gone" || status === 410 || status === 400 && /BadDeviceToken/.test(body!), `${status} ${body}`);
    ok(reason === `${status}` || reason in APNS_REASONS, reason);
  }));
});
