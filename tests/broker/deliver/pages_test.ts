/** Topics with very many subscribers: cut into pages, which any worker may send. */
import { getLogger } from "@logtape/logtape";
import { createPageLease } from "../../../src/broker/deliver/page_lease.ts";
import type { Delivery, Outcome } from "../../../src/model/delivery.ts";
import { shardOf } from "../../../src/model/shard.ts";
import { PAGE_AFTER } from "../../../src/broker/deliver/pass.ts";
import { commitPage, listPages, type PageRecord, setPages } from "../../../src/store/pages.ts";
import { subscriberEntry, topicHash } from "../../../src/store/subscribers.ts";
import { findSubscription } from "../../../src/store/subscriptions.ts";
import { commitChanges, contentChange, createEngine, subscribe, subscription } from "../../helpers/engine.ts";
import { countKeys, passAll, publishToAll, randomIds, startAll, subscribeMany, times } from "../../helpers/engines.ts";
import { equal, ok } from "../../helpers/assert.ts";
import { manualClock } from "../../helpers/clock.ts";
import { testEmbedded, testStores } from "../../helpers/stores.ts";

const TOPIC = "https://dav.example/holidays/";
const COUNT = PAGE_AFTER + 2_500;

const IDS = randomIds(COUNT);

const subscribeAll = (kv: Deno.Kv) => subscribeMany(kv, TOPIC, IDS, (index) => index % 1_000 < 500 ? 5 : 60);

const token = (syncToken: string) => contentChange(TOPIC, { content: { depth: "1", syncToken, except: [] } });

testStores(
  "pages: a topic with more than 10,000 subscribers is cut into pages, and everybody is told once",
  async (openKv) => {
    await using kv = await openKv();
    await subscribeAll(kv);
    const engine = createEngine(kv);
    await startAll(engine);
    await engine.publish(token("1"));
    equal(engine.sent.length, PAGE_AFTER);
    equal(await countKeys(kv, "page"), 0);
    await engine.pass(1_000);
    equal([engine.sent.length, times(engine).size], [COUNT, COUNT]);
    equal(await countKeys(kv, "page"), 0);
    // The topic goes on.
    await engine.publish(token("2"));
    await engine.pass(7_000);
    equal(engine.sent.length, 2 * COUNT);
    await engine.leave();
  },
);

testStores("pages: one with fewer is not", async (openKv) => {
  await using kv = await openKv();
  await subscribeAll(kv);
  for (const id of IDS.slice(PAGE_AFTER - 1)) {
    for (const maxDelay of [5, 60]) {
      const each = { ...subscription("", [TOPIC]), id, maxDelay };
      await kv.delete(subscriberEntry(each, each.topics[0]!)[0]);
    }
  }
  const engine = createEngine(kv);
  await startAll(engine);
  await engine.publish(token("1"));
  equal(engine.sent.length, PAGE_AFTER - 1);
  await engine.leave();
});

testStores("pages: several workers share them", async (openKv) => {
  await using kv = await openKv();
  await subscribeAll(kv);
  let held: PromiseWithResolvers<void> | undefined;
  const answer = async () => void await held?.promise as undefined;
  const engines = [1, 2].map(() => createEngine(kv, { embedded: false, answer }));
  await startAll(...engines);
  const batch = await commitChanges(kv, token("1"));
  for (const engine of engines) engine.seen(batch);
  for (const engine of engines) await engine.idle();
  // Each takes four pages at a time, and waits for its push service.
  held = Promise.withResolvers();
  await passAll(engines, 6_000);
  held.resolve();
  held = undefined;
  await passAll(engines, 12_000);
  const told = times(...engines);
  equal(told.size, COUNT);
  equal(Math.max(...told.values()), 1);
  ok(engines.every(({ sent }) => sent.length > 0), engines.map(({ sent }) => sent.length).join());
  for (const engine of engines) await engine.leave();
});

testStores("pages: those of a dead worker are taken over where it stopped", async (openKv) => {
  await using kv = await openKv();
  await subscribeAll(kv);
  let budget = Infinity;
  const answer = (): undefined | Promise<Outcome> => budget-- > 0 ? undefined : new Promise(() => {});
  const [first, second] = [createEngine(kv, { embedded: false, answer }), createEngine(kv, { embedded: false })];
  await startAll(first, second);
  const batch = await commitChanges(kv, token("1"));
  budget = PAGE_AFTER + 300;
  for (const engine of [first, second]) engine.seen(batch);
  await first.idle();
  await first.pass(2_000);
  first.kill();
  ok(await countKeys(kv, "page") > 0);
  await passAll([second], 40_000);
  equal(times(first, second).size, COUNT);
  const told = [...times(first, second).values()];
  // What was under way in four pages, and what was done since their last commits.
  ok(told.filter((n) => n > 1).length <= 4 * 16 + 300, `${told.filter((n) => n > 1).length}`);
  equal(await countKeys(kv, "page"), 0);
  await second.leave();
});

testStores("pages: what one cannot deliver is tried again by the shard's owner", async (openKv) => {
  await using kv = await openKv();
  await subscribeAll(kv);
  const unlucky = new Map<string, Outcome>();
  const failing = (delivery: Delivery): Outcome | undefined => {
    const outcome = unlucky.get(delivery.subscriber.id);
    unlucky.delete(delivery.subscriber.id);
    return outcome;
  };
  const engine = createEngine(kv, { answer: failing });
  const last = IDS.toSorted().slice(-40);
  for (const [index, id] of last.entries()) {
    await subscribe(kv, { ...subscription("", [TOPIC]), id, maxDelay: 60 });
    unlucky.set(id, index % 2 ? { kind: "gone" } : { kind: "retry", tried: true });
  }
  await startAll(engine);
  await engine.publish(token("1"));
  await engine.pass(10_000);
  const told = times(engine);
  for (const [index, id] of last.entries()) {
    ok(told.get(id)! >= (index % 2 ? 1 : 2), `${index}: ${told.get(id)}`);
    equal(Boolean((await findSubscription(kv, id)).kept), index % 2 === 0);
  }
  equal([await countKeys(kv, "handback"), await countKeys(kv, "retry"), await countKeys(kv, "due")], [0, 0, 0]);
  await engine.leave();
});

testStores("pages: a change that comes while pages are sent waits until they are done", async (openKv) => {
  await using kv = await openKv();
  await subscribeAll(kv);
  const held = Promise.withResolvers<void>();
  let hold = false;
  const engine = createEngine(kv, { answer: () => hold ? held.promise.then(() => undefined) : undefined });
  await startAll(engine);
  await engine.publish(token("1"));
  hold = true;
  await engine.pass(1_000);
  const before = engine.sent.length;
  await engine.publish(token("2"));
  await engine.pass(8_000);
  equal(engine.sent.length, before);
  hold = false;
  held.resolve();
  await engine.pass(10_000);
  equal(times(engine).size, COUNT);
  equal(new Set(times(engine).values()).size, 1);
  await engine.leave();
});

// Minutes that pass in steps of a second are hours over a network.
testEmbedded(
  "pages: a push service that takes longer than a lease is told everything once, however many workers there are",
  async (openKv) => {
    await using kv = await openKv();
    await subscribeMany(kv, TOPIC, IDS.slice(0, PAGE_AFTER + 640));
    let slow = false;
    const engines = [1, 2].map(() => {
      const engine = createEngine(kv, {
        embedded: false,
        answer: async () => slow ? void await engine.clock.wait(30_000) as undefined : undefined,
      });
      return engine;
    });
    await startAll(...engines);
    await publishToAll(kv, engines, token("1"));
    slow = true;
    await passAll(engines, 480_000);
    const told = times(...engines);
    equal([told.size, Math.max(...told.values()), await countKeys(kv, "page")], [PAGE_AFTER + 640, 1, 0]);
    for (const engine of engines) await engine.leave();
  },
);

testStores("pages: data that a record cannot hold three times over stops nobody", async (openKv) => {
  await using kv = await openKv();
  const SHARD = shardOf(topicHash(TOPIC));
  const neighbour = Array.from({ length: 100 }, (_, n) => `t/${n}`).find((topic) =>
    shardOf(topicHash(topic)) === SHARD
  )!;
  await subscribeMany(kv, TOPIC, IDS.slice(0, PAGE_AFTER + 100));
  await subscribe(kv, subscription("a", [neighbour]));
  const engine = createEngine(kv);
  await startAll(engine);
  // JSON writes six bytes for each.
  await engine.publish(contentChange(TOPIC, { data: "\u0001".repeat(3_990) }));
  await engine.publish(contentChange(neighbour));
  await engine.pass(5_000);
  equal([times(engine).size, await countKeys(kv, "page")], [PAGE_AFTER + 101, 0]);
  await engine.leave();
});

testStores(
  "pages: after a restart a change waits as well until those that were cut before are done",
  async (openKv) => {
    await using kv = await openKv();
    await subscribeMany(kv, TOPIC, IDS.slice(0, PAGE_AFTER + 640));
    let budget = PAGE_AFTER;
    const first = createEngine(kv, { answer: () => budget-- > 0 ? undefined : new Promise(() => {}) });
    await startAll(first);
    await first.publish(token("1"));
    await first.pass(2_000);
    first.kill();
    ok(await countKeys(kv, "page") > 0);
    const { versionstamp } = await commitChanges(kv, contentChange("elsewhere"));
    const second = createEngine(kv, { since: versionstamp, clock: first.clock });
    await startAll(second);
    const told = (syncToken: string) =>
      second.sent.filter(({ delivery }) => delivery.message!.merged.content!.syncToken === syncToken).length;
    await second.publish(contentChange(TOPIC, { priority: 100, content: { depth: "1", syncToken: "2", except: [] } }));
    await second.pass(10_000);
    equal(told("2"), 0);
    await second.pass(40_000);
    equal([told("1") >= 640, told("2")], [true, PAGE_AFTER + 640]);
    await second.leave();
  },
);

testStores("pages: whoever lost one writes nothing any more", async (openKv) => {
  await using kv = await openKv();
  const name = { shard: 3, hash: "hash", prefix: "a" };
  const page: PageRecord = { topic: TOPIC, classes: [], after: { delay: 0, id: "" }, holder: "me", nonce: "1" };
  for (const { key, value } of setPages(3, "hash", page)) await kv.set(key, value);
  const read = async () => (await listPages(kv, { shard: 3 }, 64)).find((page) => page.name.prefix === "a")!;
  const deps = { kv, clock: manualClock(), log: getLogger("carillon") };
  const lease = createPageLease(
    deps,
    { name, versionstamp: (await read()).versionstamp, page },
    new AbortController().signal,
  );
  await commitPage(kv, await read(), { ...page, holder: "another", nonce: "2" });
  const retry = { topic: TOPIC, merged: { priority: 1, timestamp: 1 }, attempt: 0, at: 1, until: 2 };
  lease.handbacks.set("id", retry);
  const failed = async (written: Promise<void>) => await written.then(() => false, () => true);
  equal([await failed(lease.renew(() => page)), await failed(lease.end(undefined)), lease.lost.aborted], [
    true,
    true,
    true,
  ]);
  equal([(await read()).page!.holder, await countKeys(kv, "handback")], ["another", 0]);
});
