import { endSubscriptions } from "../../src/store/expiry.ts";
import { countSubscriptions } from "../../src/store/counts.ts";
import { findSubscription, saveSubscription } from "../../src/store/subscriptions.ts";
import { equal } from "../helpers/assert.ts";
import { subscribe, subscription } from "../helpers/engine.ts";
import { testStores } from "../helpers/stores.ts";

const NOW = Date.UTC(2026, 10, 25);
const DAY = 24 * 3_600_000;

const until = (...ends: number[]) => ({ topics: ends.map((end, n) => ({ topic: `t/${n}`, expiresAt: NOW + end })) });
const NONE = { owned: 0, ownedAt: 0, unconfirmedOf: 0, unconfirmedAt: 0, confirmedAt: 0 };
const A = subscription("a", [], until(1_000));

async function count(kv: Deno.Kv): Promise<number> {
  const entries = await Array.fromAsync(kv.list({ prefix: [] }));
  return entries.filter(({ key }) => key[0] !== "count").length;
}

testStores("expiry: what has ended goes with every key, and its tombstone a day later", async (openKv) => {
  await using kv = await openKv();
  await subscribe(kv, A);
  equal([await endSubscriptions(kv, NOW + 999, 9), await count(kv)], [0, 4]);
  await endSubscriptions(kv, NOW + 1_000, 9);
  equal((await findSubscription(kv, A.id)).deletedUntil, NOW + 1_000 + DAY);
  equal([await count(kv), await countSubscriptions(kv, "owner", A.address)], [2, NONE]);
  await endSubscriptions(kv, NOW + 999 + DAY, 9);
  equal(await count(kv), 2);
  await endSubscriptions(kv, NOW + 1_000 + DAY, 9);
  equal(await count(kv), 0);
});

testStores("expiry: topics end one by one", async (openKv) => {
  await using kv = await openKv();
  await subscribe(kv, subscription("a", [], until(1_000, 5_000)));
  await endSubscriptions(kv, NOW + 1_000, 9);
  equal((await findSubscription(kv, A.id)).kept?.subscription.topics.map(({ topic }) => topic), ["t/1"]);
  await endSubscriptions(kv, NOW + 5_000, 9);
  equal((await findSubscription(kv, A.id)).kept, undefined);
});

testStores("expiry: who was renewed in time stays", async (openKv) => {
  await using kv = await openKv();
  await subscribe(kv, A);
  await subscribe(kv, { ...A, ...until(9_000) });
  equal([await endSubscriptions(kv, NOW + 1_000, 9), await count(kv)], [0, 4]);
});

testStores("expiry: an end that a lost write left behind is forgotten", async (openKv) => {
  await using kv = await openKv();
  await subscribe(kv, { ...A, ...until(9_000) });
  await kv.set(["ends", NOW, A.id], 0);
  await kv.set(["ends", NOW, "nobody"], 0);
  equal(await endSubscriptions(kv, NOW, 9), 2);
  equal([await endSubscriptions(kv, NOW, 9), await count(kv)], [0, 4]);
});

testStores("expiry: what was deleted and made anew is not ended by its own tombstone", async (openKv) => {
  await using kv = await openKv();
  await subscribe(kv, A);
  await endSubscriptions(kv, NOW + 1_000, 9);
  await subscribe(kv, { ...A, ...until(3 * DAY) });
  await endSubscriptions(kv, NOW + 2 * DAY, 9);
  equal([(await findSubscription(kv, A.id)).kept !== undefined, await count(kv)], [true, 4]);
});

testStores("expiry: a record of an unknown version is looked at again tomorrow, and stays", async (openKv) => {
  await using kv = await openKv();
  const value = new TextEncoder().encode('{"v":9}');
  await kv.set(["subscription", "unknown"], value);
  await kv.set(["ends", NOW, "unknown"], 0);
  equal([await endSubscriptions(kv, NOW, 9), await endSubscriptions(kv, NOW, 9)], [1, 0]);
  equal((await kv.get(["subscription", "unknown"])).value, value);
  equal(await endSubscriptions(kv, NOW + DAY, 9), 1);
});

testStores("expiry: one that somebody changes at the same moment is left for the next minute", async (openKv) => {
  await using kv = await openKv();
  await subscribe(kv, A);
  const found = await findSubscription(kv, A.id);
  await saveSubscription(kv, found, { subscription: { ...A, ...until(9_000) } });
  await endSubscriptions(kv, NOW + 1_000, 9);
  equal((await findSubscription(kv, A.id)).kept!.subscription.topics[0]!.expiresAt, NOW + 9_000);
});
