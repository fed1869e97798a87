import { createEphemeralKeys, POOL, STEP } from "../../src/transports/ephemeral_keys.ts";
import { type Ephemeral, makeEphemeral } from "../../src/wire/message_encryption.ts";
import { equal, ok } from "../helpers/assert.ts";

/** Pairs that cost nothing, told apart by a number. */
function counted() {
  let made = 0;
  const make = () => Promise.resolve({ point: Uint8Array.of(made >> 8, made++ & 255) } as Ephemeral);
  return { make, made: () => made };
}

/** Pairs that cost nothing are made within a few turns of promises. */
async function settle(): Promise<void> {
  for (let turns = 0; turns < 10 * STEP; turns++) await Promise.resolve();
}

/** Ticks until there are no more. */
async function fill(keys: ReturnType<typeof createEphemeralKeys>): Promise<void> {
  for (let ticks = 0; ticks <= POOL / STEP; ticks++) {
    keys.tick();
    await settle();
  }
}

Deno.test("ephemeral keys: of 10,000 that are taken, many at once and while others are made, none is given twice", async () => {
  const keys = createEphemeralKeys(makeEphemeral);
  const taken: (Ephemeral | undefined)[] = [];
  for (let round = 0; round < 100; round++) {
    keys.tick();
    taken.push(...await Promise.all(Array.from({ length: 100 }, () => keys.take())));
  }
  equal(new Set(taken.map((pair) => pair!.point.toHex())).size, 10_000);
  equal(new Set(taken.map((pair) => pair!.privateKey)).size, 10_000);
  await keys.close();
});

Deno.test("ephemeral keys: a tick makes some, up to a bound, and nothing is made without one", async () => {
  const { make, made } = counted(), keys = createEphemeralKeys(make);
  equal(made(), 0);
  keys.tick();
  keys.tick();
  await settle();
  equal([made(), keys.ready()], [STEP, STEP]);
});

Deno.test("ephemeral keys: the pool has a bound", async () => {
  const { make, made } = counted(), keys = createEphemeralKeys(make);
  await fill(keys);
  equal([made(), keys.ready()], [POOL, POOL]);
  await keys.take();
  await fill(keys);
  equal([made(), keys.ready()], [POOL + 1, POOL]);
});

Deno.test("ephemeral keys: who takes one ends the making, for that moment is not idle", async () => {
  const { make, made } = counted(), keys = createEphemeralKeys(make);
  keys.tick();
  await Promise.resolve();
  await keys.take();
  await settle();
  ok(made() < STEP, `${made()}`);
});

Deno.test("ephemeral keys: when none is ready one is made", async () => {
  const { make, made } = counted(), keys = createEphemeralKeys(make);
  const [a, b] = await Promise.all([keys.take(), keys.take()]);
  ok(a!.point.toHex() !== b!.point.toHex());
  equal([made(), keys.ready()], [2, 0]);
});

Deno.test("ephemeral keys: a runtime that cannot make them is asked once", async () => {
  let asked = 0;
  const keys = createEphemeralKeys(() => Promise.resolve(void asked++));
  equal([await keys.take(), await keys.take()], [undefined, undefined]);
  keys.tick();
  await keys.close();
  equal([asked, keys.ready()], [1, 0]);
});

Deno.test("ephemeral keys: a runtime that fails to make them is one that cannot", async () => {
  let asked = 0;
  const keys = createEphemeralKeys(() => Promise.reject(new Error(`${asked++}`)));
  keys.tick();
  await keys.close();
  equal([await keys.take(), asked, keys.ready()], [undefined, 1, 0]);
});

Deno.test("ephemeral keys: closed, no more are made", async () => {
  const { make, made } = counted(), keys = createEphemeralKeys(make);
  await keys.close();
  keys.tick();
  await keys.close();
  equal(made(), 0);
});
