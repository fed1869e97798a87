import type { Change } from "../../../src/model/change.ts";
import { contentChange, createEngine, subscribe, subscription } from "../../helpers/engine.ts";
import { equal, ok } from "../../helpers/assert.ts";
import { testStores } from "../../helpers/stores.ts";

const TOPIC = "https://dav.example/alice/work/";

const token = (syncToken: string, more: Partial<Change> = {}) =>
  contentChange(TOPIC, { content: { depth: "1", syncToken, except: [] }, ...more });

/** An engine that runs, with these subscriptions of the topic. */
async function engineWith(kv: Deno.Kv, ...subscriptions: ReturnType<typeof subscription>[]) {
  for (const each of subscriptions) await subscribe(kv, each);
  const engine = createEngine(kv);
  await engine.start();
  await engine.idle();
  return engine;
}

/** Who was sent what, and when: a letter, a sync-token, seconds. */
function listed({ sent }: ReturnType<typeof createEngine>) {
  return sent.map(({ id, at, delivery }) => [id[0], delivery.message?.merged.content?.syncToken, at / 1000]);
}

testStores(
  "deliveries: a first change goes at once, to everyone who subscribed to its topic and to nobody else",
  async (openKv) => {
    await using kv = await openKv();
    const others = [subscription("b", [TOPIC, "other"]), subscription("c", ["other"])];
    const engine = await engineWith(kv, subscription("a", [TOPIC]), ...others);
    await engine.publish(token("1"));
    equal(listed(engine), [["a", "1", 0], ["b", "1", 0]]);
    equal(engine.sent.map(({ topic }) => topic), [TOPIC, TOPIC]);
    await engine.leave();
  },
);

testStores("deliveries: an alternate topic's subscribers are told of the topic that they asked for", async (openKv) => {
  await using kv = await openKv();
  const engine = await engineWith(kv, subscription("a", ["urn:alternate"]));
  await engine.publish(token("1", { topics: [TOPIC, "urn:alternate"] }));
  equal(engine.sent.map(({ topic }) => topic), ["urn:alternate"]);
  await engine.leave();
});

testStores("deliveries: an owner who is excepted is not told, and everybody else who asks alike is", async (openKv) => {
  await using kv = await openKv();
  const [alice, bob] = ["alice", "bob"].map((owner) => (id: string) => subscription(id, [TOPIC], { owner }));
  const engine = await engineWith(kv, alice!("a"), bob!("b"), alice!("c"), bob!("d"));
  for (const owner of ["alice", "bob"]) {
    await engine.publish(token(owner, { content: { depth: "1", syncToken: owner, except: [owner] } }));
    await engine.pass(60_000);
  }
  equal(listed(engine).map(([id, token]) => `${id} ${token}`), ["b alice", "d alice", "a bob", "c bob"]);
  await engine.leave();
});

testStores("deliveries: what follows waits by its priority and is merged", async (openKv) => {
  await using kv = await openKv();
  const engine = await engineWith(kv, subscription("a", [TOPIC]));
  for (const [index, priority] of [50, 50, 50].entries()) await engine.publish(token(`${index}`, { priority }));
  await engine.pass(4_900, 100);
  equal(listed(engine), [["a", "0", 0]]);
  await engine.pass(100);
  equal(listed(engine), [["a", "0", 0], ["a", "2", 5]]);
  await engine.publish(token("low", { priority: 10 }));
  await engine.pass(59_000);
  equal(listed(engine).length, 2);
  await engine.pass(1_000);
  equal(listed(engine)[2], ["a", "low", 65]);
  await engine.publish(token("high", { priority: 90 }));
  equal(listed(engine)[3], ["a", "high", 65]);
  await engine.leave();
});

testStores("deliveries: an important change takes along what waits", async (openKv) => {
  await using kv = await openKv();
  const engine = await engineWith(kv, subscription("a", [TOPIC]));
  await engine.publish(token("first"));
  await engine.publish(
    contentChange(TOPIC, { priority: 10, content: undefined, property: { depth: "0", props: [], except: [] } }),
  );
  await engine.publish(token("high", { priority: 90 }));
  const { merged } = engine.sent[1]!.delivery.message!;
  equal([merged.content?.syncToken, Boolean(merged.property), merged.priority], ["high", true, 90]);
  await engine.pass(60_000);
  equal(engine.sent.length, 2);
  await engine.leave();
});

testStores("deliveries: the wait is capped by the subscriber's own maxDelay, in three classes", async (openKv) => {
  await using kv = await openKv();
  const delays = { a: 0, b: 4, c: 5, d: 59, e: 60, f: 3_600 };
  const subscriptions = Object.entries(delays).map(([id, maxDelay]) => subscription(id, [TOPIC], { maxDelay }));
  const engine = await engineWith(kv, ...subscriptions);
  await engine.publish(token("1"));
  await engine.publish(token("2", { priority: 0 }));
  await engine.pass(61_000);
  const second = listed(engine).filter(([, syncToken]) => syncToken === "2");
  equal(second, [["a", "2", 0], ["b", "2", 0], ["c", "2", 5], ["d", "2", 5], ["e", "2", 60], ["f", "2", 60]]);
  await engine.leave();
});

testStores("deliveries: newest by timestamp wins, not by arrival", async (openKv) => {
  await using kv = await openKv();
  const engine = await engineWith(kv, subscription("a", [TOPIC]));
  await engine.publish(token("1"));
  await engine.publish(token("newest", { timestamp: 2_000 }));
  await engine.publish(token("late", { timestamp: 1_000 }));
  await engine.pass(5_000);
  equal(listed(engine).at(-1), ["a", "newest", 5]);
  await engine.leave();
});

testStores(
  "deliveries: nobody is told of their own changes, and of somebody else's merged with them",
  async (openKv) => {
    await using kv = await openKv();
    const engine = await engineWith(
      kv,
      subscription("a", [TOPIC], { clientId: "alice" }),
      subscription("b", [TOPIC], { clientId: "bob" }),
      subscription("c", [TOPIC]),
    );
    const by = (client: string) => token(client, { content: { depth: "1", syncToken: client, except: [client] } });
    await engine.publish(by("alice"));
    equal(listed(engine).map(([id]) => id), ["b", "c"]);
    await engine.publish(by("alice"), by("bob"));
    await engine.pass(5_000);
    equal(listed(engine).slice(2).map(([id, syncToken]) => [id, syncToken]), [["a", "bob"], ["b", "bob"], [
      "c",
      "bob",
    ]]);
    await engine.leave();
  },
);

testStores("deliveries: minPriority, triggers and depth decide who is told", async (openKv) => {
  await using kv = await openKv();
  const engine = await engineWith(
    kv,
    subscription("a", [TOPIC], { minPriority: 60 }),
    subscription("b", [TOPIC], { triggers: { property: { depth: "0", props: [] } } }),
    subscription("c", [TOPIC], { triggers: { content: { depth: "0" } } }),
    subscription("d", [TOPIC], { triggers: { content: { depth: "1" } } }),
    subscription("e", [TOPIC], { triggers: { content: { depth: "infinity" } } }),
  );
  await engine.publish(token("1"));
  equal(listed(engine).map(([id]) => id), ["d", "e"]);
  await engine.leave();
});

testStores("deliveries: after its end a subscription is told nothing", async (openKv) => {
  await using kv = await openKv();
  const clock = createEngine(kv).clock;
  const topics = [{ topic: TOPIC, expiresAt: clock.now() + 5_000 }];
  const engine = await engineWith(kv, subscription("a", [], { topics }), subscription("b", [TOPIC]));
  await engine.publish(token("1"));
  await engine.publish(token("2"));
  await engine.pass(5_000);
  equal(listed(engine), [["a", "1", 0], ["b", "1", 0], ["b", "2", 5]]);
  await engine.leave();
});

testStores("deliveries: a topic that nobody subscribed to rests, until somebody does", async (openKv) => {
  await using kv = await openKv();
  const engine = await engineWith(kv);
  await engine.publish(token("1"));
  await engine.publish(token("2", { priority: 100 }));
  const a = subscription("a", [TOPIC]);
  await subscribe(kv, a);
  await engine.pass(4_000);
  equal(listed(engine), []);
  engine.subscribed(a);
  await engine.idle();
  equal(listed(engine), [["a", "2", 4]]);
  await engine.leave();
});

testStores("deliveries: who subscribed elsewhere to a topic that rests is told within five seconds", async (openKv) => {
  await using kv = await openKv();
  const engine = await engineWith(kv);
  await engine.publish(token("1"));
  await engine.publish(token("2", { priority: 100 }));
  await subscribe(kv, subscription("a", [TOPIC]));
  await engine.pass(5_000);
  equal(listed(engine), [["a", "2", 5]]);
  await engine.leave();
});

testStores("deliveries: under load windows grow: what waits for its turn goes on merging", async (openKv) => {
  await using kv = await openKv();
  const topics = Array.from({ length: 130 }, (_, index) => `t/${index}`);
  const release = Promise.withResolvers<void>();
  for (const [index, topic] of topics.entries()) await subscribe(kv, subscription(`${index}x`, [topic]));
  const engine = createEngine(kv, { answer: () => release.promise.then(() => undefined) });
  await engine.start();
  await engine.publish(...topics.map((topic) => contentChange(topic)));
  // 128 topics are being sent to; the others wait, with what comes meanwhile.
  equal(engine.sent.length, 128);
  engine.clock.advance(900);
  const waiting = topics.filter((topic) => !engine.sent.some((sent) => sent.topic === topic));
  for (const syncToken of ["1", "2", "3"]) {
    await engine.publish(contentChange(waiting[0]!, { content: { depth: "1", syncToken, except: [] } }));
  }
  await engine.publish(contentChange(topics[0]!, { priority: 100 }));
  release.resolve();
  await engine.idle();
  const merged = engine.sent.filter(({ topic }) => topic === waiting[0]).map(({ delivery }) =>
    delivery.message!.merged
  );
  equal(merged.map(({ content }) => content?.syncToken), ["3"]);
  // The queue was 0.9 seconds old: even what is urgent rests for 1.8 since it was sent last.
  await engine.pass(2_000, 100);
  equal(engine.sent.filter(({ topic }) => topic === topics[0]).map(({ at }) => at), [0, 1_800]);
  await engine.leave();
});

testStores("deliveries: the metrics tell outcomes, windows, shards and lag", async (openKv) => {
  await using kv = await openKv();
  const engine = await engineWith(kv, subscription("a", [TOPIC]));
  await engine.publish(token("1"));
  await engine.publish(token("2"));
  await engine.pass(7_000);
  await engine.publish(token("3"));
  await engine.publish(token("4"));
  await engine.pass(1_000);
  const text = await engine.metrics.registry.metrics();
  ok(text.includes('carillon_deliveries_total{transport="web-push",outcome="delivered"} 2'), text);
  ok(text.includes("carillon_windows_open 1"), text);
  ok(text.includes("carillon_shards_owned 16"), text);
  ok(/carillon_shard_lag_seconds [0-6]\b/.test(text), text);
  ok(/carillon_checkpoint_seconds_count [1-9]/.test(text), text);
  await engine.leave();
});
