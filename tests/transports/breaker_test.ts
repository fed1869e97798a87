import fc from "fast-check";
import { createBreaker, FAILURES } from "../../src/transports/breaker.ts";
import { equal, ok } from "../helpers/assert.ts";
import { manualClock } from "../helpers/clock.ts";

/** Without jitter unless it is given. */
function openBreaker(random = () => 1) {
  const clock = manualClock();
  return { clock, breaker: createBreaker({ clock, random }) };
}

Deno.test("breaker: one failure opens it while nothing is proven, five in a row later", () => {
  const { clock, breaker } = openBreaker();
  breaker.failed();
  ok(breaker.left() > 0 && !breaker.isProven);
  clock.advance(breaker.left());
  breaker.succeeded();
  for (let n = 1; n < FAILURES; n++) breaker.failed();
  equal([breaker.left(), breaker.isProven], [0, true]);
  breaker.failed();
  ok(breaker.left() > 0 && !breaker.isProven);
});

Deno.test("breaker: an answer between failures begins their count anew", () => {
  const { breaker } = openBreaker();
  breaker.succeeded();
  for (let n = 0; n < 20; n++) {
    for (let n = 1; n < FAILURES; n++) breaker.failed();
    breaker.succeeded();
  }
  equal(breaker.left(), 0);
});

Deno.test("breaker: it is open for a second, twice as long each time, five minutes at most, and for a second after an answer", () => {
  const { clock, breaker } = openBreaker();
  const fail = () => {
    breaker.failed();
    const left = breaker.left();
    clock.advance(left);
    equal(breaker.left(), 0);
    return left / 1000;
  };
  equal(Array.from({ length: 12 }, fail), [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
  breaker.succeeded();
  breaker.open(7_000);
  equal(breaker.left(), 7_000);
  clock.advance(7_000);
  equal(fail(), 1);
});

Deno.test("breaker: jitter takes up to half of it away", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), fc.nat(15), (random, failures) => {
      const { clock, breaker } = openBreaker(() => random);
      for (let n = 0; n < failures; n++) void (breaker.failed(), clock.advance(breaker.left()));
      breaker.failed();
      const whole = Math.min(300_000, 1_000 * 2 ** failures);
      ok(breaker.left() >= whole / 2 && breaker.left() <= whole, `${breaker.left()}`);
    }),
  );
});

Deno.test("breaker: a wall clock that jumps neither opens nor closes it", () => {
  const { clock, breaker } = openBreaker();
  breaker.failed();
  clock.jump(3_600_000);
  equal(breaker.left(), 1_000);
  clock.jump(-7_200_000);
  equal(breaker.left(), 1_000);
});

Deno.test("breaker: each opening is counted, so that older requests can be told apart", () => {
  const { breaker } = openBreaker();
  equal(breaker.openings, 0);
  breaker.failed();
  breaker.succeeded();
  breaker.open(1);
  equal(breaker.openings, 2);
});
