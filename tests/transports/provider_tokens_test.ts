import type { Outcome } from "../../src/model/delivery.ts";
import { KEY_PAUSE } from "../../src/transports/key_breaker.ts";
import { RENEW_AFTER, RENEW_NO_SOONER } from "../../src/transports/provider_tokens.ts";
import { equal, ok } from "../helpers/assert.ts";
import { manualClock } from "../helpers/clock.ts";
import { p256Pem } from "../helpers/vendor_accounts.ts";
import { withApns } from "../helpers/vendors.ts";
import { witness } from "../helpers/witness.ts";

const DELIVERED: Outcome = { kind: "delivered" };
const MINUTE = 60_000;

const asText = (value: unknown) => JSON.stringify(value);

Deno.test("provider tokens: a key that Apple does not know is told once, and tried again after ten minutes", async () => {
  using seen = witness();
  const clock = manualClock();
  await using apns = await withApns({ clock, key: p256Pem() });
  for (let round = 0; round < 3; round++) {
    equal(await apns.send(), { kind: "retry", at: clock.now() + KEY_PAUSE, tried: true });
    equal((await apns.send()).kind, "retry");
    clock.advance(KEY_PAUSE);
  }
  equal([apns.fake.reasons, seen.records.length], [Array(3).fill("InvalidProviderToken"), 1]);
  ok(asText(seen.records).includes("CARILLON_APNS"));
});

Deno.test("provider tokens: a provider token is used for 50 minutes", async () => {
  const clock = manualClock();
  await using apns = await withApns({ clock });
  const used = () => new Set(apns.fake.requests.map(({ headers }) => headers.authorization)).size;
  for (const advance of [0, RENEW_AFTER - 1]) {
    clock.advance(advance);
    equal(await apns.send(), DELIVERED);
    equal(used(), 1);
  }
  clock.advance(1);
  equal(await Promise.all([apns.send(), apns.send(), apns.send()]), [DELIVERED, DELIVERED, DELIVERED]);
  equal([used(), apns.fake.reasons], [2, []]);
});

Deno.test("provider tokens: a token that is refused as stale is made anew at once, by one for all, and the messages arrive", async () => {
  const clock = manualClock();
  let late = 0;
  // Apple's clock is ahead.
  await using apns = await withApns({ clock, now: () => clock.now() + late });
  equal(await apns.send(), DELIVERED);
  late = 61 * MINUTE - RENEW_NO_SOONER;
  clock.advance(RENEW_NO_SOONER);
  equal(new Set((await Promise.all(Array.from({ length: 40 }, () => apns.send()))).map(({ kind }) => kind)).size, 1);
  equal(apns.fake.notifications.length, 41);
  equal(new Set(apns.fake.reasons), new Set(["ExpiredProviderToken"]));
  equal(new Set(apns.fake.requests.map(({ headers }) => headers.authorization)).size, 2);
});

Deno.test("provider tokens: one that is refused sooner waits until twenty minutes are over, and an operator is told once", async () => {
  using seen = witness();
  const clock = manualClock();
  await using apns = await withApns({ clock, now: () => clock.now() + 61 * MINUTE });
  const began = clock.now();
  equal(await apns.send(), { kind: "retry", at: began + RENEW_NO_SOONER, tried: true });
  equal(await apns.send(), { kind: "retry", at: began + KEY_PAUSE, tried: false });
  clock.advance(KEY_PAUSE);
  equal(await apns.send(), { kind: "retry", at: began + RENEW_NO_SOONER, tried: true });
  clock.advance(KEY_PAUSE);
  // Two attempts, the second with another token; it is an hour old as well.
  equal((await apns.send()).kind, "retry");
  equal([apns.fake.reasons, seen.records.length], [Array(4).fill("ExpiredProviderToken"), 1]);
  equal(new Set(apns.fake.requests.map(({ headers }) => headers.authorization)).size, 2);
});

Deno.test("provider tokens: a wall clock that was set right gets a new token, no sooner than twenty minutes after the last", async () => {
  const clock = manualClock(), began = clock.now();
  const used = () => new Set(apns.fake.requests.map(({ headers }) => headers.authorization)).size;
  // Ours is ahead of Apple's, until it is set right.
  clock.jump(RENEW_AFTER);
  await using apns = await withApns({ clock, now: () => began + clock.elapsed() });
  equal(await apns.send(), DELIVERED);
  clock.jump(-RENEW_AFTER);
  for (const [advance, tokens] of [[0, 1], [RENEW_NO_SOONER - 1, 1], [1, 2]] as const) {
    clock.advance(advance);
    equal([await apns.send(), used()], [DELIVERED, tokens]);
  }
});
