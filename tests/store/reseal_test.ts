import { readLocalIssuer, readVapidKey } from "../../src/store/keys.ts";
import { reseal } from "../../src/store/reseal.ts";
import { createEnvelope } from "../../src/store/seal.ts";
import { StoreError } from "../../src/store/store_error.ts";
import { findSubscription } from "../../src/store/subscriptions.ts";
import { equal, ok } from "../helpers/assert.ts";
import { overrideKv } from "../helpers/broker.ts";
import { subscribe, subscription } from "../helpers/engine.ts";
import { testStores } from "../helpers/stores.ts";

const OLD = "the secret that it was made with", NEW = "another secret, which comes after it";
const HOOKS = ["one", "two", "three"];

/** Keys, webhooks with a secret and the one before it, and a browser, as a worker with this secret has them. */
async function fill(kv: Deno.Kv, secret: string | undefined) {
  const { seal } = createEnvelope(secret);
  for (const name of HOOKS) {
    const keys = { secret: await seal(`whsec_${name}`), previous: await seal(`whsec_old_${name}`) };
    await subscribe(kv, subscription(name, ["a"], { transport: "webhook", keys }));
  }
  await subscribe(kv, subscription("browser", ["a"]));
  return await keysOf(kv, secret);
}

async function keysOf(kv: Deno.Kv, secret: string | undefined) {
  return [(await readLocalIssuer(kv, secret)).jwks.keys, await readVapidKey(kv, secret)];
}

/** What a worker with this secret reads of the webhooks. */
async function hooksOf(kv: Deno.Kv, secret: string | undefined) {
  const { unseal } = createEnvelope(secret);
  return await Promise.all(HOOKS.map(async (name) => {
    const { keys } = (await findSubscription(kv, subscription(name, []).id)).kept!.subscription;
    return [await unseal(keys.secret!), await unseal(keys.previous!)];
  }));
}

const expected = HOOKS.map((name) => [`whsec_${name}`, `whsec_old_${name}`]);

/** Dies at a commit, as a process does that is killed. */
function killedAt(kv: Deno.Kv, commits: number): Deno.Kv {
  return overrideKv(kv, {
    atomic() {
      if (commits-- === 0) throw new Error("killed");
      return kv.atomic();
    },
  });
}

for (const from of [OLD, undefined]) {
  testStores(`reseal: from ${from ? "a secret" : "none"}: cut off at any commit, it goes on`, async (openKv) => {
    // Each webhook is a commit, and the keys are one.
    for (let commits = 0; commits <= HOOKS.length; commits++) {
      await using kv = await openKv();
      const keys = await fill(kv, from);
      const thrown = await reseal(killedAt(kv, commits), { from, to: NEW }).catch(({ message }) => message);
      equal(thrown, "killed");
      const { keys: browser } = (await findSubscription(kv, subscription("browser", []).id)).kept!.subscription;
      // What is done is not done again: the rest, and the keys.
      await reseal(killedAt(kv, HOOKS.length - commits + 1), { from, to: NEW });
      equal(await reseal(kv, { from, to: NEW }), { sealed: 3, left: 0 });
      equal([await keysOf(kv, NEW), await hooksOf(kv, NEW)], [keys, expected]);
      equal(browser, subscription("browser", []).keys);
      ok(await keysOf(kv, from).then(() => false, (thrown) => thrown instanceof StoreError));
    }
  });
}

testStores("reseal: by a wrong old secret nothing is written", async (openKv) => {
  await using kv = await openKv();
  const keys = await fill(kv, OLD);
  for (const from of [undefined, "a third secret, which is none"]) {
    ok(await reseal(kv, { from, to: NEW }).then(() => false, (thrown) => thrown instanceof StoreError));
  }
  equal([await keysOf(kv, OLD), await hooksOf(kv, OLD)], [keys, expected]);
});

testStores("reseal: a webhook that neither secret opens is left, and counted", async (openKv) => {
  await using kv = await openKv();
  await fill(kv, OLD);
  const keys = { secret: await createEnvelope("a third secret, which is none").seal("whsec_x") };
  await subscribe(kv, subscription("broken", ["a"], { transport: "webhook", keys }));
  equal(await reseal(kv, { from: OLD, to: NEW }), { sealed: 3, left: 1 });
  equal((await findSubscription(kv, subscription("broken", []).id)).kept!.subscription.keys, keys);
});
