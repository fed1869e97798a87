import fc from "fast-check";
import type { Outcome } from "../../src/model/delivery.ts";
import { DEADLINE } from "../../src/transports/egress.ts";
import { FCM_REASONS, readFcmAnswer } from "../../src/transports/fcm_answers.ts";
import { KEY_PAUSE } from "../../src/transports/key_breaker.ts";
import { printPush } from "../../src/wire/push_message.ts";
import { errorBody, TOKEN_PATH } from "../fakes/fcm.ts";
import { equal, ok } from "../helpers/assert.ts";
import { manualClock } from "../helpers/clock.ts";
import { contentOf } from "../helpers/deliveries.ts";
import { freshRegistration } from "../helpers/vendor_accounts.ts";
import { withFcm } from "../helpers/vendors.ts";
import { witness } from "../helpers/witness.ts";

const DELIVERED: Outcome = { kind: "delivered" }, RETRY: Outcome = { kind: "retry", tried: true };
const GONE: Outcome = { kind: "gone" }, REJECTED: Outcome = { kind: "rejected" };
const SECOND = 1_000, MINUTE = 60_000;

const asText = (value: unknown) => JSON.stringify(value);

const body = (status: number, text: string, more?: Parameters<typeof errorBody>[2]) => ({
  status,
  body: errorBody(status, text, more),
});

/** FCM's table, and what comes of each; `mended` waits for an operator, with nothing sent meanwhile, `held` alone. */
const ROWS: [
  what: string,
  answer: { status: number; body: unknown },
  outcome: Outcome | "mended" | "held" | "throttled",
][] = [
  ["404 UNREGISTERED", body(404, "NOT_FOUND", { errorCode: "UNREGISTERED" }), GONE],
  ["400 of the token", body(400, "INVALID_ARGUMENT", { field: "message.token" }), GONE],
  ["400 of the token", body(400, "INVALID_ARGUMENT", { errorCode: "INVALID_ARGUMENT", field: "message.token" }), GONE],
  ["400 INVALID_ARGUMENT", body(400, "INVALID_ARGUMENT"), REJECTED],
  ["400 INVALID_ARGUMENT", body(400, "INVALID_ARGUMENT", { errorCode: "INVALID_ARGUMENT" }), REJECTED],
  ["400 of a field", body(400, "INVALID_ARGUMENT", { field: "message.android.ttl" }), REJECTED],
  ["400 of a field", body(400, "INVALID_ARGUMENT", { field: "message.tokens" }), REJECTED],
  ["400 of another kind", body(400, "FAILED_PRECONDITION", { errorCode: "SomethingNew" }), REJECTED],
  ["400 UNREGISTERED", body(400, "NOT_FOUND", { errorCode: "UNREGISTERED" }), REJECTED],
  ["401 UNAUTHENTICATED", body(401, "UNAUTHENTICATED"), "mended"],
  ["401 THIRD_PARTY_AUTH_ERROR", body(401, "UNAUTHENTICATED", { errorCode: "THIRD_PARTY_AUTH_ERROR" }), "held"],
  ["403 THIRD_PARTY_AUTH_ERROR", body(403, "PERMISSION_DENIED", { errorCode: "THIRD_PARTY_AUTH_ERROR" }), "held"],
  ["403 PERMISSION_DENIED", body(403, "PERMISSION_DENIED"), "mended"],
  ["404 NOT_FOUND", body(404, "NOT_FOUND"), "mended"],
  ["404 without a reason", { status: 404, body: "<html>SomethingNew" }, "mended"],
  ["429 QUOTA_EXCEEDED", body(429, "RESOURCE_EXHAUSTED", { errorCode: "QUOTA_EXCEEDED" }), "throttled"],
  ["429 RESOURCE_EXHAUSTED", body(429, "RESOURCE_EXHAUSTED"), "throttled"],
  ["500 INTERNAL", body(500, "INTERNAL", { errorCode: "INTERNAL" }), RETRY],
  ["503 UNAVAILABLE", body(503, "UNAVAILABLE", { errorCode: "UNAVAILABLE" }), RETRY],
  ["500 UNSPECIFIED_ERROR", body(500, "UNKNOWN", { errorCode: "UNSPECIFIED_ERROR" }), RETRY],
  ["502 of a proxy", { status: 502, body: "<html>SomethingNew" }, RETRY],
  ["302", { status: 302, body: "" }, RETRY],
];

for (const [index, [what, answer, expected]] of ROWS.entries()) {
  const title = `fcm: row ${index + 1}, ${what}: ${typeof expected === "string" ? expected : expected.kind}`;
  Deno.test(title, async () => {
    using seen = witness();
    const clock = manualClock();
    await using fcm = await withFcm({ clock });
    fcm.fake.refuse(answer.status, answer.body, { headers: { location: `${fcm.fake.origin}/v1/elsewhere` } });
    const address = fcm.fresh(), isToMend = expected === "mended" || expected === "held";
    const waits = { kind: "retry" as const, at: clock.now() + (isToMend ? KEY_PAUSE : MINUTE), tried: true };
    equal(await fcm.send({}, address), typeof expected === "string" ? waits : expected);
    // No redirect is followed. An argument that is not the token's may be the length; a token may be stale: once more.
    const isTwice = /^40[01] (?:UNAUTHENTICATED|INVALID_ARGUMENT|of a field)/.test(what);
    equal(fcm.fake.requests.filter(({ path }) => path !== TOKEN_PATH).length, isTwice ? 2 : 1);
    equal(fcm.fake.asked(), what === "401 UNAUTHENTICATED" ? 2 : 1);
    const said = asText(seen.records);
    equal(seen.records.map(({ level }) => level), isToMend ? ["error"] : []);
    equal([said.includes("SomethingNew"), said.includes(what)], [false, isToMend && what in FCM_REASONS]);
    if (expected === "mended" || expected === "held") {
      const { kind, ...next } = await fcm.send();
      equal([kind, "tried" in next && next.tried], ["retry", expected === "held"]);
    }
    for (const token of fcm.fake.tokens.keys()) seen.keep(token);
    for (const secret of [fcm.credentials.privateKey, address.slice("fcm:".length)]) seen.keep(secret);
    for (const { body } of fcm.fake.requests) {
      seen.keep(new URLSearchParams(new TextDecoder().decode(body)).get("assertion") ?? "");
    }
    seen.testify();
  });
}

Deno.test("fcm: a token of another project is gone where it was never served, and waits for an operator where it was", async () => {
  using seen = witness();
  const clock = manualClock();
  await using fcm = await withFcm({ clock });
  fcm.fake.refuse(403, errorBody(403, "PERMISSION_DENIED", { errorCode: "SENDER_ID_MISMATCH" }), { times: 5 });
  equal(await fcm.send({}, fcm.fresh(), false), GONE);
  for (let n = 0; n < 4; n++) {
    equal(await fcm.send(), { kind: "retry", at: clock.now() + KEY_PAUSE, tried: true });
  }
  // Those of the project are served meanwhile.
  equal([await fcm.send(), seen.records.map(({ level }) => level)], [DELIVERED, ["error"]]);
  ok(asText(seen.records).includes("CARILLON_FCM"));
});

Deno.test("fcm: the tests have every row of the table", () => {
  const names = ROWS.map(([what]) => what);
  equal(Object.keys(FCM_REASONS).filter((row) => !names.includes(row)), ["403 SENDER_ID_MISMATCH"]);
});

Deno.test("fcm: Retry-After is obeyed, by the message and by what follows it to the same device", async () => {
  for (const [status, text] of [[429, "QUOTA_EXCEEDED"], [503, "UNAVAILABLE"]] as const) {
    const clock = manualClock();
    await using fcm = await withFcm({ clock });
    equal(await fcm.send(), DELIVERED);
    const headers = { "retry-after": "120" };
    fcm.fake.refuse(status, errorBody(status, text, { errorCode: text }), { headers, times: 1 });
    const address = fcm.fresh();
    equal(await fcm.send({}, address), { kind: "retry", at: clock.now() + 2 * MINUTE, tried: true });
    equal(await fcm.send({}, address), { kind: "retry", at: clock.now() + 2 * MINUTE, tried: false });
    equal(await fcm.send(), DELIVERED);
    clock.advance(2 * MINUTE);
    equal(await fcm.send({}, address), DELIVERED);
  }
});

Deno.test("fcm: what Google will not have is sent once more, as small as can be", async () => {
  await using fcm = await withFcm();
  fcm.fake.refuse(400, errorBody(400, "INVALID_ARGUMENT"), { times: 1 });
  const message = contentOf("https://dav.example/alice/work/");
  equal(await fcm.send({ message }), DELIVERED);
  const smallest = JSON.stringify(JSON.parse(printPush(message, { smallest: true })).push);
  equal(fcm.fake.messages.at(-1)!.data, { push: smallest });
});

for (const behaviour of ["destroy", "garbage", "reset", "endless"] as const) {
  Deno.test(`fcm: ${behaviour} is tried again, or counts by its status, and the next one arrives`, async () => {
    const clock = manualClock();
    await using fcm = await withFcm({ clock });
    equal(await fcm.send(), DELIVERED);
    fcm.fake.behave(behaviour, { times: 1 });
    equal(await fcm.send(), behaviour === "endless" ? DELIVERED : RETRY);
    equal(await fcm.send(), DELIVERED);
  });
}

Deno.test("fcm: a server that never answers is given up at the deadline, so is one that gives out no token", async () => {
  const clock = manualClock();
  await using fcm = await withFcm({ clock });
  fcm.fake.behave("never", { times: 1 });
  const waiting = fcm.send();
  await fcm.fake.until(() => fcm.fake.requests.length === 1);
  clock.advance(DEADLINE);
  equal(await waiting, { kind: "retry", at: clock.now() + SECOND, tried: false });
  clock.advance(SECOND);
  equal(await fcm.send(), DELIVERED);
  fcm.fake.behave("never", { times: 1 });
  const sending = fcm.send();
  await fcm.fake.until(() => fcm.fake.requests.length === 4);
  clock.advance(DEADLINE);
  equal(await sending, RETRY);
});

Deno.test("fcm: a server on a private network must be trusted", async () => {
  using seen = witness();
  const clock = manualClock();
  await using fcm = await withFcm({ clock, trusted: [] });
  equal(await fcm.send(), { kind: "retry", at: clock.now() + SECOND, tried: false });
  equal([fcm.fake.requests.length, seen.records.length], [0, 1]);
});

Deno.test("fcm: an address that was stored and is no registration token is never sent to, nor said", async () => {
  using seen = witness();
  const clock = manualClock();
  await using fcm = await withFcm({ clock });
  const token = seen.keep(freshRegistration());
  for (const address of [`fcm:${token}/..`, `fcm:${token}\n`, `https://evil.example/${token}`, token, ""]) {
    equal(await fcm.send({}, address), { kind: "retry", at: clock.now() + KEY_PAUSE, tried: false });
  }
  equal([fcm.fake.messages.length, seen.records.length], [0, 1]);
  seen.testify();
});

Deno.test("fcm: whatever is answered, gone is what Google says in as many words", () => {
  const code = fc.oneof(fc.string(), fc.constantFrom("constructor", "__proto__", "UNREGISTERED", "INVALID_ARGUMENT"));
  const field = fc.oneof(fc.string(), fc.constantFrom("message.token", "message", "constructor"));
  const known = fc.record({ status: code, errorCode: code, field }).map(({ status, ...more }) =>
    JSON.stringify(errorBody(0, status, more))
  );
  const details = fc.json().map((details) => `{"error":{"status":"NOT_FOUND","details":${details}}}`);
  const bodies = fc.option(fc.oneof(fc.string(), fc.json(), known, details), { nil: undefined });
  const status = fc.oneof(fc.integer(), fc.constantFrom(200, 301, 400, 401, 403, 404, 410, 413, 429, 500, 503));
  fc.assert(fc.property(status, bodies, fc.boolean(), (status, body, confirmed) => {
    const { meaning, reason } = readFcmAnswer({ status, body }, { confirmed });
    const said = /UNREGISTERED|message\.token|SENDER_ID_MISMATCH/.test(body ?? "");
    ok(meaning !== "gone" || said && [400, 403, 404].includes(status), `${status} ${body}`);
    ok(reason === `${status}` || reason === "400 message.token" || reason in FCM_REASONS, reason);
  }));
});
