import { createRefusalTurns } from "../../src/access/refusals.ts";
import { equal, ok } from "../helpers/assert.ts";
import { manualClock } from "../helpers/clock.ts";

/** Until everything has happened that needs no clock. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

/** Asks so many times, and answers how many got their turn by now. */
function setUp() {
  const clock = manualClock(), awaitTurn = createRefusalTurns(clock);
  const given: boolean[] = [];
  const ask = (times: number) => {
    for (let n = 0; n < times; n++) void awaitTurn().then((turn) => given.push(turn));
  };
  return { clock, ask, given, awaitTurn };
}

Deno.test("refusals: a few go at once, the others in their turn, and nobody waits in vain", async () => {
  const { clock, ask, given } = setUp();
  ask(12);
  await settle();
  equal(given.length, 5);
  for (const expected of [10, 12]) {
    clock.advance(4);
    await settle();
    equal(given.length, expected);
  }
  ok(given.every(Boolean));
});

Deno.test("refusals: who comes while others wait stands behind them", async () => {
  const { clock, ask, awaitTurn } = setUp();
  ask(5);
  const order: string[] = [];
  const come = (name: string) => void awaitTurn().then(() => order.push(name));
  for (const name of ["a", "b", "c", "d", "e", "f"]) come(name);
  await settle();
  clock.advance(4);
  come("g");
  await settle();
  equal(order, ["a", "b", "c", "d", "e"]);
  clock.advance(4);
  await settle();
  equal(order, ["a", "b", "c", "d", "e", "f", "g"]);
});

Deno.test("refusals: when nobody waits there is no timer", async () => {
  const { clock, ask, given } = setUp();
  ask(7);
  await settle();
  clock.advance(4);
  await settle();
  clock.advance(1_000_000);
  ask(5);
  await settle();
  equal([given.length, clock.waiting], [12, 0]);
});

Deno.test("refusals: of those that wait there are two thousand; who comes then is not kept", async () => {
  const { clock, ask, given } = setUp();
  ask(5 + 2_000 + 3);
  await settle();
  equal([given.filter(Boolean).length, given.filter((turn) => !turn).length], [5, 3]);
  for (let moment = 0; moment < 400; moment++) {
    clock.advance(4);
    await settle();
  }
  equal([given.filter(Boolean).length, clock.waiting], [2_005, 0]);
});
