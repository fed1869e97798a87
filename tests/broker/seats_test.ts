import { createSeats } from "../../src/broker/seats.ts";
import { equal, refuses } from "../helpers/assert.ts";

/** Seats, and a memory that a test makes short. */
function setUp({ max = 20_000, maxOwned = 100 } = {}) {
  const state = { isShort: false, looks: 0 };
  const look = () => (state.looks++, state.isShort);
  const seats = createSeats({ max, maxOwned, memory: { look } });
  const takeMany = (count: number) => Array.from({ length: count }, () => seats.take(undefined)).filter(Boolean).length;
  return { ...seats, state, takeMany };
}

Deno.test("seats: beyond the limit of all nobody is let in, until somebody leaves", async () => {
  const { check, take, takeMany, leave } = setUp({ max: 3 });
  equal(takeMany(2), 2);
  check();
  equal(takeMany(5), 1);
  await refuses("streams_full", check);
  leave(undefined);
  check();
  equal([take("alice"), take("bob")], [true, false]);
});

Deno.test("seats: one owner has no more than their own, and takes nobody else's", async () => {
  const { checkOwner, take, leave } = setUp({ maxOwned: 2 });
  equal([take("alice"), take("alice"), take("alice"), take("bob")], [true, true, false, true]);
  await refuses("too_many_streams", () => checkOwner("alice"));
  checkOwner("bob");
  leave("alice");
  checkOwner("alice");
  equal([take("alice"), take("alice")], [true, false]);
});

Deno.test("seats: readers that nobody names are counted in all alone", () => {
  const { checkOwner, takeMany } = setUp({ maxOwned: 2 });
  equal(takeMany(50), 50);
  checkOwner(undefined);
});

Deno.test("seats: while memory is short it is as many as there are: who leaves makes room for one", async () => {
  const { check, look, take, takeMany, leave, state } = setUp();
  takeMany(10);
  state.isShort = true;
  look();
  await refuses("memory_short", check);
  for (let n = 0; n < 3; n++) leave(undefined);
  look();
  equal([takeMany(5), take("alice")], [3, false]);
  await refuses("memory_short", check);
  state.isShort = false;
  look();
  check();
  equal(takeMany(5), 5);
});

Deno.test("seats: a burst is looked at while it comes, not a second later", async () => {
  const { check, takeMany, state } = setUp();
  equal([takeMany(15), state.looks], [15, 0]);
  state.isShort = true;
  equal([takeMany(1_000), state.looks], [1, 1]);
  await refuses("memory_short", check);
});
