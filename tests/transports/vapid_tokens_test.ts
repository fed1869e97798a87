import { createVapidTokens, MAX_TOKENS, RENEW_AFTER } from "../../src/transports/vapid_tokens.ts";
import { equal, ok } from "../helpers/assert.ts";
import { manualClock } from "../helpers/clock.ts";
import { checkVapid } from "../helpers/vapid_check.ts";
import { freshVapidKey } from "../helpers/vapid_keys.ts";

const ORIGIN = "https://push.example", CONTACT = "mailto:admin@dav.example";
const [key, other] = [await freshVapidKey(), await freshVapidKey()];

function openTokens() {
  const clock = manualClock();
  return { clock, tokens: createVapidTokens({ contact: CONTACT, clock }) };
}

Deno.test("vapid tokens: one is signed for each origin and key, however many ask at once", async () => {
  const { clock, tokens } = openTokens();
  const [first, ...rest] = await Promise.all(Array.from({ length: 50 }, () => tokens(ORIGIN, key)));
  ok(rest.every((header) => header === first));
  const headers = [first!, await tokens(ORIGIN, other), await tokens(`${ORIGIN}:8443`, key)];
  equal(new Set(headers).size, 3);
  const checked = headers.map((header, n) =>
    checkVapid(header, { audience: n === 2 ? `${ORIGIN}:8443` : ORIGIN, now: clock.now() })
  );
  equal(checked.map(({ k, sub }) => [k, sub]), [[key.point, CONTACT], [other.point, CONTACT], [key.point, CONTACT]]);
});

Deno.test("vapid tokens: one is used for half its life, and is good all that time for a clock that is hours off", async () => {
  const { clock, tokens } = openTokens();
  const first = await tokens(ORIGIN, key);
  clock.advance(RENEW_AFTER - 1);
  equal(await tokens(ORIGIN, key), first);
  for (const hours of [-6, 0, 5]) checkVapid(first, { audience: ORIGIN, now: clock.now() + hours * 3_600_000 });
  clock.advance(1);
  ok(await tokens(ORIGIN, key) !== first);
});

Deno.test("vapid tokens: a wall clock that was set right gets a new one, in either direction", async () => {
  for (const jump of [-30, 30]) {
    const { clock, tokens } = openTokens();
    const first = await tokens(ORIGIN, key);
    clock.jump(jump * 3_600_000);
    const second = await tokens(ORIGIN, key);
    ok(second !== first);
    checkVapid(second, { audience: ORIGIN, now: clock.now() });
  }
});

Deno.test("vapid tokens: of very many origins the first are signed anew", async () => {
  const { clock, tokens } = openTokens();
  const first = await tokens(ORIGIN, key);
  for (let n = 1; n < MAX_TOKENS; n++) await tokens(`https://${n}.example`, key);
  equal(await tokens(ORIGIN, key), first);
  await tokens("https://one-more.example", key);
  clock.advance(1_000);
  ok(await tokens(ORIGIN, key) !== first);
});
