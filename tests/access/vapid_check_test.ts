import { createVapidCheck } from "../../src/access/vapid_check.ts";
import { equal, refuses } from "../helpers/assert.ts";
import { manualClock } from "../helpers/clock.ts";
import { vapidFor } from "../helpers/push_resource.ts";
import { freshVapidKey } from "../helpers/vapid_keys.ts";

const ORIGIN = "https://push.example";

function open() {
  const clock = manualClock(Date.now());
  return { clock, check: createVapidCheck({ now: clock.now, elapsed: clock.elapsed, audience: ORIGIN }) };
}

Deno.test("vapid: a token is verified once, and again when it has expired", async () => {
  const { clock, check } = open(), key = await freshVapidKey(), header = await vapidFor(key, ORIGIN, { expires: 100 });
  // More than there may be in a second, if each were verified.
  for (let n = 0; n < 50; n++) await check(header, key.point);
  clock.advance(161_000);
  await refuses("vapid_refused", () => check(header, key.point));
});

Deno.test("vapid: of one key only some new tokens a second are verified, whoever made them", async () => {
  const { clock, check } = open(), key = await freshVapidKey(), other = await freshVapidKey();
  const forged = await Promise.all(
    Array.from({ length: 6 }, (_, n) => vapidFor({ ...other, point: key.point }, ORIGIN, { expires: 100 + n })),
  );
  for (const header of forged.slice(0, 5)) await refuses("vapid_refused", () => check(header, key.point));
  await refuses("too_many_signatures", () => check(forged[5]!, key.point));
  clock.advance(1_000);
  await check(await vapidFor(key, ORIGIN), key.point);
});

Deno.test("vapid: many at once are not all verified", async () => {
  const { check } = open(), keys = await Promise.all(Array.from({ length: 30 }, freshVapidKey));
  const headers = await Promise.all(keys.map((key) => vapidFor(key, ORIGIN)));
  const codes = await Promise.allSettled(headers.map((header, n) => check(header, keys[n]!.point)));
  const refused = codes.filter((each) => each.status === "rejected").map(({ reason }) => reason.code);
  equal([codes.length - refused.length, new Set(refused)], [8, new Set(["too_many_signatures"])]);
  for (const [n, header] of headers.slice(8, 12).entries()) await check(header, keys[n + 8]!.point);
});

Deno.test("vapid: a token that was good of one key is not good of another, however often it was seen", async () => {
  const { check } = open(), [own, victim] = [await freshVapidKey(), await freshVapidKey()];
  const header = await vapidFor(own, ORIGIN);
  await check(header, own.point);
  await refuses("vapid_refused", () => check(header.replace(own.point, victim.point), victim.point));
});

Deno.test("vapid: who comes with the same new token at once waits for one verification", async () => {
  const { check } = open(), key = await freshVapidKey(), header = await vapidFor(key, ORIGIN);
  await Promise.all(Array.from({ length: 50 }, () => check(header, key.point)));
  const other = await freshVapidKey(), forged = await vapidFor({ ...other, point: key.point }, ORIGIN);
  const refused = await Promise.allSettled(Array.from({ length: 20 }, () => check(forged, key.point)));
  equal(new Set(refused.map((each) => each.status === "rejected" && each.reason.code)), new Set(["vapid_refused"]));
});
