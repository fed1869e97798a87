import type { Outcome } from "../../src/model/delivery.ts";
import { createAccessTokens, RENEW_BEFORE } from "../../src/transports/access_tokens.ts";
import { KEY_PAUSE } from "../../src/transports/key_breaker.ts";
import { TOKEN_PATH } from "../fakes/fcm.ts";
import { equal, ok } from "../helpers/assert.ts";
import { manualClock } from "../helpers/clock.ts";
import { rsaPem } from "../helpers/vendor_accounts.ts";
import { withFcm } from "../helpers/vendors.ts";
import { witness } from "../helpers/witness.ts";

const DELIVERED: Outcome = { kind: "delivered" };
const SECOND = 1_000, MINUTE = 60_000;

const asText = (value: unknown) => JSON.stringify(value);

Deno.test("access tokens: an access token is kept until shortly before its end, and asked for once however many wait", async () => {
  const clock = manualClock();
  await using fcm = await withFcm({ clock, life: 3600 });
  for (const [advance, asked] of [[0, 1], [60 * MINUTE - RENEW_BEFORE - 1, 1], [1, 2]] as const) {
    clock.advance(advance);
    equal(await Promise.all([fcm.send(), fcm.send(), fcm.send()]), [DELIVERED, DELIVERED, DELIVERED]);
    equal(fcm.fake.asked(), asked);
  }
});

Deno.test("access tokens: one with a short life is renewed at half of it", async () => {
  const clock = manualClock();
  await using fcm = await withFcm({ clock, life: 60 });
  for (const [advance, asked] of [[0, 1], [30 * SECOND - 1, 1], [1, 2]] as const) {
    clock.advance(advance);
    equal([await fcm.send(), fcm.fake.asked()], [DELIVERED, asked]);
  }
});

Deno.test("access tokens: an access token that was revoked is replaced at once, by one for all, and the messages arrive", async () => {
  await using fcm = await withFcm();
  equal(await fcm.send(), DELIVERED);
  fcm.fake.revoke();
  const outcomes = await Promise.all(Array.from({ length: 40 }, () => fcm.send()));
  equal(new Set(outcomes.map(({ kind }) => kind)), new Set(["delivered"]));
  equal([fcm.fake.messages.length, fcm.fake.asked()], [41, 2]);
});

Deno.test("access tokens: while there is a good token, one that cannot be had is asked for less and less often", async () => {
  using seen = witness();
  const clock = manualClock();
  await using fcm = await withFcm({ clock, life: 3600 });
  equal(await fcm.send(), DELIVERED);
  fcm.fake.refuse(500, "<html>", { under: TOKEN_PATH });
  clock.advance(60 * MINUTE - RENEW_BEFORE);
  for (const [advance, asked] of [[0, 2], [999, 2], [1, 3], [1_999, 3], [1, 4]] as const) {
    clock.advance(advance);
    equal([await fcm.send(), fcm.fake.asked()], [DELIVERED, asked]);
  }
  clock.advance(RENEW_BEFORE);
  // Its end has come: nothing is sent, and nothing is doubted.
  const asks = () => fcm.fake.requests.length - fcm.fake.asked(), sent = asks(), outcome = await fcm.send();
  equal([outcome.kind === "retry" && outcome.tried, asks(), fcm.push.stats().open], [false, sent, 0]);
  equal(seen.records.map(({ level }) => level), ["error"]);
  fcm.fake.recover();
  clock.advance(MINUTE);
  equal(await fcm.send(), DELIVERED);
});

Deno.test("access tokens: what was mended is forgotten: the next fault is told again, and waited for as the first", async () => {
  using seen = witness();
  const clock = manualClock();
  await using fcm = await withFcm({ clock });
  for (let round = 1; round <= 3; round++) {
    fcm.fake.revoke();
    fcm.fake.refuse(500, "", { times: 1, under: TOKEN_PATH });
    equal(await fcm.send(), { kind: "retry", at: clock.now() + SECOND, tried: false });
    clock.advance(SECOND);
    equal([await fcm.send(), seen.records.length], [DELIVERED, round]);
  }
});

Deno.test("access tokens: who hears late that an old one was refused gets the new one, and asks nobody", async () => {
  await using fcm = await withFcm();
  const { get, renew } = createAccessTokens({ ...fcm.deps, credentials: fcm.credentials });
  const old = await get(), next = await renew(old!);
  equal([old === next, await renew(old!), await get(), fcm.fake.asked()], [false, next, next, 2]);
});

Deno.test("access tokens: an account that Google does not know is told once, and asked for again after ten minutes", async () => {
  using seen = witness();
  const clock = manualClock();
  await using fcm = await withFcm({ clock, key: rsaPem() });
  for (let round = 1; round <= 3; round++) {
    const waits: Outcome = { kind: "retry", at: clock.now() + KEY_PAUSE, tried: false };
    equal([await fcm.send(), await fcm.send(), fcm.fake.asked()], [waits, waits, round]);
    clock.advance(KEY_PAUSE);
  }
  equal([fcm.fake.messages.length, seen.records.length], [0, 1]);
  ok(asText(seen.records).includes("CARILLON_FCM"));
});

Deno.test("access tokens: Google's clock is not ours: an assertion that is refused for it waits for an operator", async () => {
  const clock = manualClock();
  await using fcm = await withFcm({ clock, now: () => clock.now() + 2 * 60 * MINUTE });
  equal(await fcm.send(), { kind: "retry", at: clock.now() + KEY_PAUSE, tried: false });
});

Deno.test("access tokens: where tokens are given out, Retry-After is obeyed for ten minutes at most", async () => {
  for (const [field, wait] of [["30", 30 * SECOND], ["86400", KEY_PAUSE], ["soon", SECOND], ["0", SECOND]] as const) {
    const clock = manualClock();
    await using fcm = await withFcm({ clock });
    fcm.fake.refuse(503, "", { headers: { "retry-after": field }, times: 1, under: TOKEN_PATH });
    equal(await fcm.send(), { kind: "retry", at: clock.now() + wait, tried: false });
    clock.advance(wait);
    equal(await fcm.send(), DELIVERED);
  }
});

Deno.test("access tokens: whatever is given out instead of a token is none, and never said", async () => {
  using seen = witness();
  const secret = seen.keep("a-secret-of-the-token-endpoint");
  const good = { access_token: secret, token_type: "Bearer", expires_in: 3599 };
  const bad: unknown[] = [
    ...["access_token", "token_type", "expires_in"].map((name) => ({ ...good, [name]: undefined })),
    ...[{ access_token: `${secret}\r\nx: y` }, { access_token: "" }, { token_type: "mac" }, { expires_in: "3599" }]
      .map((part) => ({ ...good, ...part })),
    ...[{ expires_in: 0 }, { expires_in: -1 }].map((part) => ({ ...good, ...part })),
    ...[null, [], secret, { error: secret }],
  ];
  for (const body of bad) {
    const clock = manualClock();
    await using fcm = await withFcm({ clock });
    fcm.fake.refuse(200, body, { under: TOKEN_PATH });
    equal(await fcm.send(), { kind: "retry", at: clock.now() + SECOND, tried: false }, asText(body));
  }
  seen.testify();
});
