import { createTurns } from "../../src/dav/turns.ts";
import { equal } from "../helpers/assert.ts";

Deno.test("turns: so many at once, the others in the order in which they came, and each gives back one", async () => {
  const { enter } = createTurns(2), order: number[] = [];
  const take = (n: number) => enter().then((leave) => (order.push(n), leave));
  const [first, second] = await Promise.all([take(1), take(2)]);
  const third = take(3), fourth = take(4);
  first();
  first();
  (await third)();
  await fourth;
  equal(order, [1, 2, 3, 4]);
  const fifth = take(5);
  second();
  await fifth;
  equal(order, [1, 2, 3, 4, 5]);
});

Deno.test("turns: without a limit nobody waits", async () => {
  const { enter } = createTurns(Infinity);
  equal((await Promise.all(Array.from({ length: 1_000 }, enter))).length, 1_000);
});
