import type { Outcome } from "../../../src/model/delivery.ts";
import { readShards } from "../../../src/store/shards.ts";
import { commitChanges, contentChange, createEngine, subscribe, subscription } from "../../helpers/engine.ts";
import { equal, ok } from "../../helpers/assert.ts";
import { overrideKv } from "../../helpers/broker.ts";
import { testStores } from "../../helpers/stores.ts";

testStores(
  "reader: with too much to do the shards stop reading, and go on from the journal when there is room",
  async (openKv) => {
    await using kv = await openKv();
    const topics = Array.from({ length: 400 }, (_, index) => `t/${index}`);
    for (const [index, topic] of topics.entries()) await subscribe(kv, subscription(`${index}x`, [topic]));
    const held = Promise.withResolvers<void>();
    let hold = true;
    const engine = createEngine(kv, {
      maxWaiting: 150,
      answer: () => hold ? held.promise.then(() => undefined) : undefined,
    });
    await engine.start();
    await engine.idle();
    // A round comes before any of them is parked.
    await engine.pass(10, 10);
    for (let at = 0; at < topics.length; at += 50) {
      await engine.publish(...topics.slice(at, at + 50).map((topic) => contentChange(topic)));
    }
    await engine.pass(990, 990);
    const { values } = await engine.metrics.windowsOpen.get();
    ok(values[0]!.value > 100 && values[0]!.value <= 200, `${values[0]!.value}`);
    hold = false;
    held.resolve();
    await engine.pass(3_000, 100);
    equal(new Set(engine.sent.map(({ topic }) => topic)).size, topics.length);
    equal(engine.sent.length, topics.length);
    // What comes now is read as it comes again.
    await engine.publish(contentChange("t/new"));
    await engine.leave();
  },
);

testStores(
  "reader: what a shard has read from the journal already, and then comes as it was seen, is told once",
  async (openKv) => {
    await using kv = await openKv();
    await subscribe(kv, subscription("a", ["t/1"], { maxDelay: 0 }));
    const first = createEngine(kv);
    await first.start();
    await first.idle();
    await first.leave();
    const batches = [
      await commitChanges(kv, contentChange("t/1")),
      await commitChanges(kv, contentChange("elsewhere")),
    ];
    const engine = createEngine(kv);
    await engine.start();
    await engine.pass(6_000);
    const cursors = async () => (await readShards(kv)).map(({ record }) => record!.cursor);
    equal([engine.sent.length, new Set(await cursors())], [1, new Set([batches[1]!.versionstamp])]);
    for (const batch of batches) {
      engine.seen(batch);
      await engine.pass(6_000);
      equal([engine.sent.length, new Set(await cursors())], [1, new Set([batches[1]!.versionstamp])]);
    }
    await engine.publish(contentChange("t/1"));
    equal(engine.sent.length, 2);
    await engine.leave();
  },
);

testStores("reader: a database that fails for a while loses nothing", async (openKv) => {
  await using kv = await openKv();
  await subscribe(kv, subscription("a", ["t/1"]));
  let broken = false;
  const fail = () => Promise.reject(new Error("gone"));
  const failing = overrideKv(kv, {
    list: (...args: Parameters<Deno.Kv["list"]>) => {
      const entries = kv.list(...args);
      const next = entries.next.bind(entries);
      return Object.assign(entries, { next: () => broken ? fail() : next() });
    },
    getMany: (...args: [Deno.KvKey[]]) => broken ? fail() : kv.getMany(...args),
  });
  const engine = createEngine(failing);
  await engine.start();
  await engine.idle();
  broken = true;
  await engine.publish(contentChange("t/1"));
  await engine.pass(3_000);
  equal(engine.sent, []);
  broken = false;
  await engine.pass(2_000);
  equal(engine.sent.map(({ topic }) => topic), ["t/1"]);
  await engine.leave();
});

testStores("reader: many changes of one topic while it is sent to are one message", async (openKv) => {
  await using kv = await openKv();
  await subscribe(kv, subscription("a", ["t/1"], { maxDelay: 0 }));
  const answers: PromiseWithResolvers<Outcome>[] = [];
  const engine = createEngine(kv, {
    answer: () => {
      const answer = Promise.withResolvers<Outcome>();
      answers.push(answer);
      return answer.promise;
    },
  });
  await engine.start();
  await engine.idle();
  for (let n = 0; n < 100; n++) {
    await engine.publish(contentChange("t/1", { content: { depth: "1", syncToken: `${n}`, except: [] } }));
  }
  equal(answers.length, 1);
  answers[0]!.resolve({ kind: "delivered" });
  await engine.idle();
  answers[1]!.resolve({ kind: "delivered" });
  await engine.idle();
  equal(engine.sent.map(({ delivery }) => delivery.message!.merged.content!.syncToken), ["0", "99"]);
  await engine.leave();
});

testStores(
  "reader: the hub's own updates are delivered to nobody: no door takes a subscription to them",
  async (openKv) => {
    await using kv = await openKv();
    const topic = "/.well-known/mercure/subscriptions/exact/a/b";
    await subscribe(kv, subscription("a", [topic], { maxDelay: 0 }));
    const engine = createEngine(kv);
    await engine.start();
    await engine.idle();
    await engine.publish({ topics: [topic], type: "mercure", private: true, data: "{}", priority: 50, timestamp: 0 });
    await engine.pass(10_000);
    equal(engine.sent, []);
    await engine.publish(contentChange(topic));
    await engine.pass(1_000);
    equal(engine.sent.length, 1);
    await engine.leave();
  },
);
