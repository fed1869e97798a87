import { countSubscriptions } from "../../src/store/counts.ts";
import {
  findSubscription,
  findSubscriptions,
  type Kept,
  listInitials,
  listOwned,
  removeSubscription,
  saveSubscription,
} from "../../src/store/subscriptions.ts";
import { encodeRecord } from "../../src/store/record.ts";
import { readSubscribers, topicHash } from "../../src/store/subscribers.ts";
import { shortHash } from "../../src/model/short_hash.ts";
import { shardOf } from "../../src/model/shard.ts";
import { equal, ok, refuses } from "../helpers/assert.ts";
import { faultyKv } from "../helpers/broker.ts";
import { subscription } from "../helpers/engine.ts";
import { testStores } from "../helpers/stores.ts";

const A = subscription("a", ["t/1", "t/2"]);
const NOW = Date.UTC(2026, 10, 25);
const NONE = { owned: 0, ownedAt: 0, unconfirmedOf: 0, unconfirmedAt: 0, confirmedAt: 0 };
const INITIAL = { attempt: 0, at: NOW, until: NOW + 1 };

async function save(kv: Deno.Kv, kept: Kept): Promise<boolean> {
  return await saveSubscription(kv, await findSubscription(kv, kept.subscription.id), kept);
}

async function keys(kv: Deno.Kv): Promise<string[]> {
  const entries = await Array.fromAsync(kv.list({ prefix: [] }));
  return [...new Set(entries.map(({ key }) => String(key[0])))].sort();
}

async function subscribersOf(kv: Deno.Kv, topic: string) {
  const all = { after: { delay: 0 as const, id: "" }, through: 60 as const };
  return (await readSubscribers(kv, topicHash(topic), all, 100)).map(({ place }) => `${place.delay} ${place.id[0]}`);
}

testStores("subscriptions: what is saved is found, by its id, its owner and its topics", async (openKv) => {
  await using kv = await openKv();
  ok(await save(kv, { subscription: A }));
  equal((await findSubscription(kv, A.id)).kept, { subscription: A });
  equal((await listOwned(kv, "owner", "", 10)).found.map(({ id }) => id), [A.id]);
  equal([await subscribersOf(kv, "t/1"), await subscribersOf(kv, "t/2")], [["60 a"], ["60 a"]]);
  equal((await findSubscriptions(kv, ["nobody", A.id])).map(({ kept }) => Boolean(kept)), [false, true]);
});

testStores("subscriptions: a change of topics, delay or end leaves nothing behind", async (openKv) => {
  await using kv = await openKv();
  await save(kv, { subscription: A });
  const before = await keys(kv);
  const topics = [{ topic: "t/3", expiresAt: NOW + 5 }, { topic: "t/1", expiresAt: NOW + 5 }];
  await save(kv, { subscription: { ...A, topics, maxDelay: 3 } });
  equal(await keys(kv), before);
  equal([await subscribersOf(kv, "t/1"), await subscribersOf(kv, "t/2"), await subscribersOf(kv, "t/3")], [
    ["0 a"],
    [],
    ["0 a"],
  ]);
});

testStores(
  "subscriptions: a delivery finds all that it needs where the topic's subscribers stand, and no more",
  async (openKv) => {
    await using kv = await openKv();
    await save(kv, { subscription: { ...A, clientId: "me", triggers: { content: { depth: "1" } } } });
    const [placed] = await readSubscribers(kv, topicHash("t/1"), { after: { delay: 0, id: "" }, through: 60 }, 1);
    const { v: _, ...read } = placed!.subscriber as unknown as Record<string, unknown>;
    equal(read, {
      id: A.id,
      owner: A.owner,
      transport: "web-push",
      address: A.address,
      keys: A.keys,
      triggers: { content: { depth: "1" } },
      clientId: "me",
      minPriority: 0,
      vapidKey: "vapid",
      confirmed: true,
      expiresAt: A.topics[0]!.expiresAt,
    });
  },
);

testStores("subscriptions: subscribers come in the order of their delay classes, in any slice", async (openKv) => {
  await using kv = await openKv();
  for (const [id, maxDelay] of [["d", 60], ["b", 5], ["c", 60], ["a", 70], ["e", 0]] as const) {
    await save(kv, { subscription: subscription(id, ["t/1"], { maxDelay }) });
  }
  equal(await subscribersOf(kv, "t/1"), ["0 e", "5 b", "60 a", "60 c", "60 d"]);
  const read = async (range: Parameters<typeof readSubscribers>[2], limit = 9) =>
    (await readSubscribers(kv, topicHash("t/1"), range, limit)).map(({ place }) => place.id[0]).join("");
  const id = (letter: string) => letter.padEnd(22, "_");
  equal(await read({ after: { delay: 60, id: id("a") }, through: 60 }), "cd");
  equal(await read({ after: { delay: 5, id: "" }, through: 5 }), "b");
  equal(await read({ after: { delay: 60, id: "a" }, through: 60, before: "c~" }), "ac");
  equal(await read({ after: { delay: 0, id: "" }, through: 60 }, 2), "eb");
});

testStores("subscriptions: of two who change the same one, one writes", async (openKv) => {
  await using kv = await openKv();
  await save(kv, { subscription: A });
  const found = await findSubscription(kv, A.id);
  equal(await saveSubscription(kv, found, { subscription: { ...A, minPriority: 1 } }), true);
  equal(await saveSubscription(kv, found, { subscription: { ...A, minPriority: 2 } }), false);
  equal(await removeSubscription(kv, found, NOW), false);
  equal((await findSubscription(kv, A.id)).kept?.subscription.minPriority, 1);
});

testStores("subscriptions: a write that lands after the deletion does not raise the dead", async (openKv) => {
  await using kv = await openKv();
  const zombies: (() => Promise<unknown>)[] = [];
  const hanging = faultyKv(kv, (commit) => (zombies.push(commit), Promise.reject(new Error("lost"))));
  await refuses(
    "kv_failed",
    async () => void await saveSubscription(hanging, await findSubscription(kv, A.id), { subscription: A }),
  );
  await save(kv, { subscription: A });
  await removeSubscription(kv, await findSubscription(kv, A.id), NOW);
  equal((await zombies[0]!() as Deno.KvCommitError).ok, false);
  const { kept, deletedUntil } = await findSubscription(kv, A.id);
  equal([kept, deletedUntil], [undefined, NOW + 24 * 3_600_000]);
  equal(await keys(kv), ["count", "ends", "subscription"]);
});

testStores("subscriptions: a deleted one can be made anew", async (openKv) => {
  await using kv = await openKv();
  await save(kv, { subscription: A });
  await removeSubscription(kv, await findSubscription(kv, A.id), NOW);
  ok(await save(kv, { subscription: A }));
  equal((await findSubscription(kv, A.id)).kept, { subscription: A });
  equal((await countSubscriptions(kv, "owner", A.address)).owned, 1);
});

testStores(
  "subscriptions: a commit whose answer was lost and that is repeated is written once, and counted once",
  async (openKv) => {
    await using kv = await openKv();
    const twice = faultyKv(kv, async (commit) => (await commit(), await commit()));
    const unconfirmed = { ...A, confirmed: false };
    ok(
      await saveSubscription(twice, await findSubscription(kv, A.id), { subscription: unconfirmed, initial: INITIAL }),
    );
    equal(await countSubscriptions(kv, "owner", A.address), {
      owned: 1,
      ownedAt: 1,
      unconfirmedOf: 1,
      unconfirmedAt: 1,
      confirmedAt: 0,
    });
    ok(await removeSubscription(twice, await findSubscription(kv, A.id), NOW));
    equal(await countSubscriptions(kv, "owner", A.address), NONE);
  },
);

testStores("subscriptions: they are counted by owner, and the unconfirmed by push service", async (openKv) => {
  await using kv = await openKv();
  const saveUnconfirmed = (id: string, more: { owner?: string; address?: string } = {}) =>
    save(kv, { subscription: subscription(id, ["t"], { confirmed: false, ...more }), initial: INITIAL });
  for (let n = 0; n < 30; n++) await saveUnconfirmed(`${n}x`);
  await saveUnconfirmed("z", { owner: "other", address: "https://other.example/z" });
  await saveUnconfirmed("y", { address: "https://other.example/y" });
  const counts = (
    owned: number,
    ownedAt: number,
    unconfirmedOf: number,
    unconfirmedAt: number,
    confirmedAt: number,
  ) => (
    { owned, ownedAt, unconfirmedOf, unconfirmedAt, confirmedAt }
  );
  equal(await countSubscriptions(kv, "owner", "https://push.example/any"), counts(31, 30, 31, 30, 0));
  for (let n = 0; n < 10; n++) await save(kv, { subscription: subscription(`${n}x`, ["t"]) });
  for (let n = 5; n < 15; n++) {
    await removeSubscription(kv, await findSubscription(kv, subscription(`${n}x`, []).id), NOW);
  }
  equal(await countSubscriptions(kv, "owner", "https://push.example/any"), counts(21, 20, 16, 15, 5));
  equal(await countSubscriptions(kv, "other", "https://other.example/"), counts(1, 1, 1, 2, 0));
});

testStores("subscriptions: a counter that fell below zero counts as none", async (openKv) => {
  await using kv = await openKv();
  await save(kv, { subscription: A });
  for (const key of [["count", "owned", "owner"], ["count", "owned_at", "owner", shortHash("https://push.example")]]) {
    await kv.set(key, new Deno.KvU64(2n ** 64n - 3n));
  }
  const { owned, ownedAt, confirmedAt } = await countSubscriptions(kv, "owner", A.address);
  equal([owned, ownedAt, confirmedAt], [0, 0, 1]);
});

testStores(
  "subscriptions: initial pushes are found when they are due, and are gone with the confirmation",
  async (openKv) => {
    await using kv = await openKv();
    await save(kv, { subscription: A, initial: INITIAL });
    const shard = shardOf(A.id);
    equal(await listInitials(kv, shard, NOW - 1, 9), []);
    equal(await listInitials(kv, shard, NOW, 9), [{ at: NOW, id: A.id }]);
    await save(kv, { subscription: A, initial: { ...INITIAL, at: NOW + 9 } });
    equal(await listInitials(kv, shard, NOW, 9), []);
    await save(kv, { subscription: A });
    equal(await listInitials(kv, shard, NOW + 99, 9), []);
  },
);

testStores("subscriptions: a hundred topics fit one, as long as they are not too long together", async (openKv) => {
  await using kv = await openKv();
  const topics = (length: number) => Array.from({ length: 100 }, (_, n) => `${n}/`.padEnd(length, "x"));
  ok(await save(kv, { subscription: subscription("a", topics(400)) }));
  equal(await subscribersOf(kv, topics(400)[99]!), ["60 a"]);
  await refuses("too_large", () => save(kv, { subscription: subscription("b", topics(1_024)) }));
  equal((await findSubscription(kv, subscription("b", []).id)).kept, undefined);
});

testStores(
  "subscriptions: triggers that no commit holds with every topic are too large, and change nothing",
  async (openKv) => {
    await using kv = await openKv();
    const props = Array.from({ length: 40 }, (_, n) => `{DAV:}${n}`.padEnd(1_000, "x"));
    const triggers = { property: { depth: "0" as const, props } };
    const withTopics = (count: number) =>
      subscription("a", Array.from({ length: count }, (_, n) => `t/${n}`), { triggers });
    for (const count of [10, 100]) {
      const kept = { subscription: withTopics(count) };
      const save = async () => await saveSubscription(kv, await findSubscription(kv, kept.subscription.id), kept);
      if (count === 10) equal(await save(), true);
      else await refuses("too_large", save);
    }
    equal((await findSubscription(kv, withTopics(1).id)).kept!.subscription.topics.length, 10);
  },
);

testStores("subscriptions: those of an owner are listed page by page", async (openKv) => {
  await using kv = await openKv();
  for (const id of ["a", "b", "c", "d"]) await save(kv, { subscription: subscription(id, ["t"]) });
  const page = async (after: string) => {
    const { found, last } = await listOwned(kv, "owner", after, 3);
    return [found.map(({ id }) => id[0]).join(""), last?.[0]];
  };
  equal([await page(""), await page(subscription("c", []).id), await page("zz")], [["abc", "c"], ["d", undefined], [
    "",
    undefined,
  ]]);
  equal((await listOwned(kv, "nobody", "", 3)).found, []);
});

testStores("subscriptions: a record of an unknown version is told apart from none", async (openKv) => {
  await using kv = await openKv();
  await kv.set(["subscription", A.id], new TextEncoder().encode('{"v":9}'));
  const { kept, unknown, versionstamp } = await findSubscription(kv, A.id);
  equal([kept, unknown, versionstamp !== null], [undefined, true, true]);
});

testStores(
  "subscriptions: beside a counter that is none everything is written, and what can be counted is",
  async (openKv) => {
    for (const value of [null, 5, "5", { value: 5n }, new Uint8Array(8)]) {
      await using kv = await openKv();
      const broken = ["count", "owned", "owner"], unread: Deno.KvKey[] = [];
      await kv.set(broken, value);
      ok(await save(kv, { subscription: A }));
      const counts = await countSubscriptions(kv, "owner", A.address, (key) => unread.push(key));
      equal([counts, unread], [{ ...NONE, ownedAt: 1, confirmedAt: 1 }, [broken]]);
      ok(await removeSubscription(kv, await findSubscription(kv, A.id), NOW));
      equal(await countSubscriptions(kv, "owner", A.address), NONE);
      equal((await kv.get(broken)).value, value);
    }
  },
);

testStores(
  "subscriptions: a record of another id, or one that could not be written back, is none of ours",
  async (openKv) => {
    const huge = { property: { depth: "0" as const, props: Array.from({ length: 500 }, () => "x".repeat(50)) } };
    const topics = Array.from({ length: 100 }, (_, n) => ({ topic: `${n}`, expiresAt: NOW }));
    const others = [
      { ...A, id: "b" },
      { ...A, owner: "o".repeat(2_000) },
      { ...A, address: "no address" },
      { ...A, topics: [] },
      { ...A, triggers: huge, topics },
    ];
    for (const subscription of others) {
      await using kv = await openKv();
      await kv.set(["subscription", A.id], encodeRecord({ subscription, nonce: "n" }));
      const { kept, unknown } = await findSubscription(kv, A.id);
      equal([kept, unknown], [undefined, true]);
    }
  },
);
