/** Records of a version that this code does not know: set aside, counted, never changed, and they stop nothing else. */
import { encodeRecord } from "../../../src/store/record.ts";
import { topicHash } from "../../../src/store/subscribers.ts";
import { contentChange, createEngine, subscribe, subscription } from "../../helpers/engine.ts";
import { equal } from "../../helpers/assert.ts";
import { memoryKv } from "../../helpers/broker.ts";
import { shardOf } from "../../../src/model/shard.ts";
import { listPages, setPages } from "../../../src/store/pages.ts";
import { testStores } from "../../helpers/stores.ts";

const TOPIC = "https://dav.example/alice/work/";
const HASH = topicHash(TOPIC);
const SHARD = shardOf(HASH);
const A = subscription("a", [TOPIC]);

const VALUES: Record<string, unknown> = {
  "a newer version": new TextEncoder().encode('{"v":2,"topic":"t"}'),
  "no JSON": new Uint8Array([0xff, 0x00]),
  "no bytes": { v: 1 },
};

async function setAside({ metrics }: ReturnType<typeof createEngine>): Promise<Record<string, number>> {
  const { values } = await metrics.recordsSetAside.get();
  return Object.fromEntries(values.filter(({ value }) => value > 0).map(({ labels, value }) => [labels.kind, value]));
}

/** Starts over this record, changes the topic, and looks at what became of it. */
async function tryWith(key: Deno.KvKey, value: unknown, kind: string, sent = ["a"]): Promise<void> {
  await using kv = await memoryKv();
  await subscribe(kv, A);
  await kv.set(key, value);
  const engine = createEngine(kv);
  await engine.start();
  await engine.idle();
  await engine.publish(contentChange(TOPIC));
  await engine.pass(3_000);
  equal(engine.sent.map(({ id }) => id[0]), sent);
  equal(Object.keys(await setAside(engine)), [kind]);
  equal((await kv.get(key)).value, value);
  await engine.leave();
}

for (const [what, value] of Object.entries(VALUES)) {
  Deno.test(`records: a subscriber that is ${what} is passed by`, () =>
    tryWith(["by_topic", HASH, 60, "z"], value, "subscriber"));

  Deno.test(`records: a window that is ${what} is left alone`, () =>
    tryWith(["window", SHARD, "other"], value, "window"));

  Deno.test(`records: a page that is ${what} holds up nothing`, () =>
    tryWith(["page", SHARD, HASH, "A"], value, "page"));

  Deno.test(`records: what was handed back and is ${what} stays`, () =>
    tryWith(["handback", SHARD, HASH, "z"], value, "retry"));

  Deno.test(`records: a shard whose record is ${what} is nobody's`, () =>
    tryWith(["shard", SHARD], value, "shard", []));

  testStores(`records: a retry that is ${what} stays`, async (openKv) => {
    await using kv = await openKv();
    const engine = createEngine(kv);
    await kv.set(["retry", HASH, A.id], value);
    await kv.set(["due", SHARD, engine.clock.now(), HASH, A.id], 0);
    await engine.start();
    await engine.pass(2_000);
    equal((await setAside(engine)).retry, 1);
    equal((await kv.get(["retry", HASH, A.id])).value, value);
    await engine.leave();
  });

  testStores(`records: a subscription that is ${what} is told nothing, and is not ended`, async (openKv) => {
    await using kv = await openKv();
    await kv.set(["subscription", A.id], value);
    const engine = createEngine(kv);
    await kv.set(["initial", shardOf(A.id), engine.clock.now(), A.id], 0);
    await engine.start();
    await engine.pass(1_000);
    equal([engine.sent, (await setAside(engine)).subscription], [[], 1]);
    equal((await kv.get(["subscription", A.id])).value, value);
    await engine.leave();
  });
}

testStores("records: an entry of the index that no retry stands behind is removed", async (openKv) => {
  await using kv = await openKv();
  const engine = createEngine(kv);
  const retry = {
    topic: TOPIC,
    merged: { priority: 1, timestamp: 1 },
    attempt: 0,
    at: engine.clock.now() + 9e6,
    until: 9e15,
  };
  await kv.set(["retry", HASH, A.id], encodeRecord(retry));
  await kv.set(["due", SHARD, engine.clock.now(), HASH, A.id], 0);
  await kv.set(["due", SHARD, engine.clock.now(), HASH, "gone"], 0);
  await engine.start();
  await engine.pass(3_000);
  equal(await Array.fromAsync(kv.list({ prefix: ["due"] })), []);
  equal(engine.sent, []);
  await engine.leave();
});

testStores("records: pages of a topic that was cut by a worker before are found again", async (openKv) => {
  await using kv = await openKv();
  await subscribe(kv, A);
  const classes = [{
    delay: 60 as const,
    merged: { priority: 50, timestamp: 1, content: { depths: ["1" as const], except: [], timestamp: 1 } },
  }];
  for (const { key, value } of setPages(SHARD, HASH, { topic: TOPIC, classes, after: { delay: 0, id: "" } })) {
    await kv.set(key, value);
  }
  const engine = createEngine(kv);
  await engine.start();
  await engine.pass(10_000);
  equal(engine.sent.map(({ id }) => id[0]), ["a"]);
  equal(await listPages(kv, {}, 1), []);
  await engine.leave();
});
