import { createKeyBreaker, KEY_PAUSE, REFUSALS } from "../../src/transports/key_breaker.ts";
import { equal, ok } from "../helpers/assert.ts";
import { manualClock } from "../helpers/clock.ts";

function openKeyBreaker() {
  const clock = manualClock();
  return { clock, breaker: createKeyBreaker(clock) };
}

Deno.test("key breaker: a key that was never accepted is paused at its first refusal, and said once", () => {
  const { clock, breaker } = openKeyBreaker();
  equal([breaker.refused("a"), breaker.left()], [true, KEY_PAUSE]);
  clock.advance(KEY_PAUSE);
  equal(breaker.left(), 0);
  equal([breaker.refused("b"), breaker.left()], [false, KEY_PAUSE]);
});

Deno.test("key breaker: one that was accepted takes several different subscriptions in a row", () => {
  const { breaker } = openKeyBreaker();
  breaker.accepted();
  for (let n = 0; n < 10; n++) equal([breaker.refused("a"), breaker.left()], [false, 0]);
  for (let n = 2; n < REFUSALS; n++) equal(breaker.refused(`${n}`), false);
  equal([breaker.refused("last"), breaker.left()], [true, KEY_PAUSE]);
});

Deno.test("key breaker: what is accepted in between begins the count anew, and ends a pause", () => {
  const { breaker } = openKeyBreaker();
  for (let n = 0; n < 10; n++) {
    breaker.accepted();
    for (let m = 1; m < REFUSALS; m++) equal(breaker.refused(`${n} ${m}`), false);
  }
  breaker.refused("last");
  breaker.accepted();
  equal(breaker.left(), 0);
});

Deno.test("key breaker: after the pause one request alone tries, until it has ended or another may", () => {
  const { clock, breaker } = openKeyBreaker();
  breaker.refused("a");
  clock.advance(KEY_PAUSE);
  breaker.entered();
  const probe = breaker.left();
  ok(probe > 10_000 && probe < KEY_PAUSE);
  clock.advance(probe);
  equal(breaker.left(), 0);
  breaker.entered();
  breaker.accepted();
  breaker.entered();
  equal(breaker.left(), 0);
});
