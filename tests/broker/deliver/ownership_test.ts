import { topicHash } from "../../../src/store/subscribers.ts";
import { readShards } from "../../../src/store/shards.ts";
import { shardOf } from "../../../src/model/shard.ts";
import {
  commitChanges,
  contentChange,
  createEngine,
  type Engine,
  subscribe,
  subscription,
} from "../../helpers/engine.ts";
import { passAll, publishToAll, startAll } from "../../helpers/engines.ts";
import { equal, ok, refuses } from "../../helpers/assert.ts";
import { faultyKv } from "../../helpers/broker.ts";
import { testStores } from "../../helpers/stores.ts";

const TOPIC = "https://dav.example/alice/work/";
const SHARD = shardOf(topicHash(TOPIC));

/** A worker among several on one database: it takes no shard by force. */
const isolate = (kv: Deno.Kv, more = {}) => createEngine(kv, { embedded: false, ...more });

async function ownerCount(kv: Deno.Kv): Promise<number> {
  return new Set((await readShards(kv)).map(({ record }) => record?.owner)).size;
}

async function owned({ metrics }: Engine): Promise<number> {
  return (await metrics.shardsOwned.get()).values[0]?.value ?? 0;
}

testStores("ownership: of two workers one owns a shard, and only it sends", async (openKv) => {
  await using kv = await openKv();
  await subscribe(kv, subscription("a", [TOPIC]));
  const engines = [isolate(kv), isolate(kv)];
  await startAll(...engines);
  await publishToAll(kv, engines, contentChange(TOPIC));
  await passAll(engines, 3_000);
  equal(engines.map(({ sent }) => sent.length), [1, 0]);
  equal(await ownerCount(kv), 1);
  for (const engine of engines) await engine.leave();
});

testStores(
  "ownership: an owner that is alive keeps its shards, however long nothing happens and with whatever clock",
  async (openKv) => {
    await using kv = await openKv();
    await subscribe(kv, subscription("a", [TOPIC]));
    const engines = [isolate(kv), isolate(kv)];
    await startAll(...engines);
    await passAll(engines, 60_000, 5_000);
    engines[1]!.clock.jump(3_600_000);
    await passAll(engines, 10_000);
    for (let round = 0; round < 30; round++) {
      await publishToAll(kv, engines, contentChange(TOPIC, { timestamp: round }), contentChange("elsewhere"));
      await passAll(engines, 1_000);
    }
    equal(engines[1]!.sent.length, 0);
    ok(engines[0]!.sent.length >= 6);
    for (const engine of engines) await engine.leave();
  },
);

testStores(
  "ownership: the work of a dead owner is taken over when its version has not moved for twenty seconds",
  async (openKv) => {
    await using kv = await openKv();
    await subscribe(kv, subscription("a", [TOPIC]));
    const engines = [isolate(kv), isolate(kv)];
    await startAll(...engines);
    engines[0]!.kill();
    const [, heir] = engines as [Engine, Engine];
    const batch = await commitChanges(kv, contentChange(TOPIC));
    heir.seen(batch);
    heir.clock.jump(-3_600_000);
    await heir.pass(20_000);
    equal(heir.sent.length, 0);
    await heir.pass(10_000);
    equal(heir.sent.map(({ topic }) => topic), [TOPIC]);
    // Only what leaves work undone is taken.
    equal(await owned(heir), 1 + await shardsBehind(kv, batch.versionstamp));
    await heir.leave();
  },
);

/** Shards whose cursor the dead owner left behind: all of them, when it died before the change. */
async function shardsBehind(kv: Deno.Kv, versionstamp: string): Promise<number> {
  const records = (await readShards(kv)).map(({ record }) => record!);
  return records.filter(({ cursor }, shard) => shard !== SHARD && cursor >= versionstamp).length;
}

testStores("ownership: what is given back is taken at once", async (openKv) => {
  await using kv = await openKv();
  await subscribe(kv, subscription("a", [TOPIC]));
  const [first, second] = [isolate(kv), isolate(kv)];
  await startAll(first, second);
  await publishToAll(kv, [first, second], contentChange(TOPIC));
  await publishToAll(
    kv,
    [first, second],
    contentChange(TOPIC, { content: { depth: "1", syncToken: "2", except: [] } }),
  );
  await first.leave();
  equal((await readShards(kv)).map(({ record }) => record!.owner), Array(16).fill(null));
  await second.pass(10_000);
  // The window went with the shard.
  equal(second.sent.map(({ delivery }) => delivery.message?.merged.content?.syncToken), ["2"]);
  equal(await owned(second), 16);
  await second.leave();
});

testStores("ownership: an owner that was overtaken writes nothing, sends nothing, and says so", async (openKv) => {
  await using kv = await openKv();
  await subscribe(kv, subscription("a", [TOPIC]));
  const first = createEngine(kv);
  await startAll(first);
  const second = createEngine(kv);
  await startAll(second);
  const before = await readShards(kv);
  await publishToAll(kv, [first], contentChange(TOPIC));
  await first.pass(20_000);
  equal(await readShards(kv), before);
  equal(await owned(first), 0);
  await publishToAll(kv, [first, second], contentChange(TOPIC));
  equal([first.sent.length <= 1, second.sent.length], [true, 1]);
  await second.leave();
  first.kill();
});

testStores(
  "ownership: an owner stops sending ten seconds after its last renewal, and goes on when it can renew",
  async (openKv) => {
    await using kv = await openKv();
    const topics = Array.from({ length: 40 }, (_, index) => `t/${index}`);
    for (const topic of topics) await subscribe(kv, subscription(topic.slice(2), [topic]));
    let broken = false;
    const failing = failingCommits(kv, () => broken);
    const engine = isolate(failing);
    await startAll(engine);
    await publishToAll(kv, [engine], ...topics.slice(0, 10).map((topic) => contentChange(topic)));
    await engine.pass(1_000);
    equal(engine.sent.length, 10);
    broken = true;
    await publishToAll(kv, [engine], ...topics.slice(10, 20).map((topic) => contentChange(topic)));
    equal(engine.sent.length, 20);
    await engine.pass(11_000);
    await publishToAll(kv, [engine], ...topics.slice(20).map((topic) => contentChange(topic)));
    await engine.pass(5_000);
    equal(engine.sent.length, 20);
    broken = false;
    await engine.pass(2_000);
    equal(engine.sent.length, 40);
    await engine.leave();
  },
);

function failingCommits(kv: Deno.Kv, isBroken: () => boolean): Deno.Kv {
  return faultyKv(kv, (commit) => isBroken() ? Promise.reject(new Error("disk full")) : commit());
}

testStores(
  "ownership: an owner that has nothing to do but to wait keeps its shards, and what waits goes in time",
  async (openKv) => {
    await using kv = await openKv();
    await subscribe(kv, subscription("a", [TOPIC]));
    const engines = [isolate(kv), isolate(kv)];
    await startAll(...engines);
    await publishToAll(kv, engines, contentChange(TOPIC));
    await publishToAll(kv, engines, contentChange(TOPIC, { priority: 10 }));
    await passAll(engines, 59_000);
    equal(engines.map(({ sent }) => sent.length), [1, 0]);
    await passAll(engines, 2_000);
    equal(engines.map(({ sent }) => sent.length), [2, 0]);
    equal(await ownerCount(kv), 1);
    for (const engine of engines) await engine.leave();
  },
);

testStores("ownership: work that an owner has done long ago does not count for what comes", async (openKv) => {
  await using kv = await openKv();
  const [owner, other] = [isolate(kv), isolate(kv)];
  await startAll(owner, other);
  const initial = () => ({ attempt: 0, at: owner.clock.now(), until: owner.clock.now() + 86_400_000 });
  for (const id of ["a1", "a2"]) {
    await subscribe(kv, subscription(id, [TOPIC]), initial());
    // The other one looks first.
    await other.pass(5_000, 5_000);
    await owner.pass(6_000);
    await passAll([owner, other], 120_000, 5_000);
  }
  equal([owner.sent.length, other.sent.length, await owned(owner)], [2, 0, 16]);
  for (const engine of [owner, other]) await engine.leave();
});

testStores(
  "ownership: a database that fails while shards are taken leaves none without an owner that knows of it",
  async (openKv) => {
    await using kv = await openKv();
    const topics = Array.from({ length: 40 }, (_, index) => `t/${index}`);
    for (const topic of topics) await subscribe(kv, subscription(topic.slice(2), [topic]));
    for (const isApplied of [false, true]) {
      let commits = 0;
      const engine = isolate(faultyKv(kv, async (commit) => {
        if (++commits !== 10) return await commit();
        if (isApplied) await commit();
        throw new Error("busy");
      }));
      await refuses("kv_failed", engine.start);
      await startAll(engine);
      await engine.pass(6_000);
      equal(await owned(engine), 16);
      await publishToAll(kv, [engine], ...topics.map((topic) => contentChange(topic)));
      equal(engine.sent.length, topics.length);
      await engine.leave();
    }
  },
);

testStores(
  "ownership: what a worker could not send before it left, its database failing, the next one sends",
  async (openKv) => {
    await using kv = await openKv();
    const SLOW = "https://dav.example/slow/";
    for (let n = 0; n < 30; n++) await subscribe(kv, subscription(`${n}x`, [TOPIC]));
    await subscribe(kv, subscription("slow", [SLOW]));
    let broken = false;
    const first = createEngine(failingCommits(kv, () => broken), {
      answer: ({ message }) => message?.topic === SLOW ? new Promise(() => {}) : undefined,
    });
    await startAll(first);
    await first.pass(1_000);
    broken = true;
    // Every shard has something to write down first.
    await publishToAll(kv, [first], ...Array.from({ length: 64 }, (_, index) => contentChange(`t/${index}`)));
    await first.pass(2_000);
    await publishToAll(kv, [first], contentChange(SLOW));
    await first.pass(10_000);
    await publishToAll(kv, [first], contentChange(TOPIC));
    await first.pass(2_000);
    equal(first.sent.map(({ topic }) => topic), [SLOW]);
    const leaving = first.leave();
    await first.idle();
    // It is back while the delivery that hangs is waited for.
    broken = false;
    first.clock.advance(2_500);
    await leaving;
    const second = createEngine(kv, { since: "f".repeat(20), clock: first.clock });
    await startAll(second);
    await second.pass(2_000);
    equal(second.sent.filter(({ topic }) => topic === TOPIC).length, 30);
    await second.leave();
  },
);

testStores(
  "ownership: a worker that leaves takes nothing any more, though shards are free and its look is due",
  async (openKv) => {
    await using kv = await openKv();
    const slow = faultyKv(kv, async (commit) => {
      await new Promise((resolve) => setTimeout(resolve, 2));
      return await commit();
    });
    const [first, second] = [isolate(kv), isolate(slow)];
    await startAll(first, second);
    second.clock.advance(4_900);
    await second.idle();
    await first.leave();
    // The round that its look is due in comes as it leaves.
    second.clock.advance(99);
    await second.leave();
    equal((await readShards(kv)).map(({ record }) => record!.owner), Array(16).fill(null));
  },
);

testStores(
  "ownership: the cron adopts what a dead owner left, also in a worker that lives just for that",
  async (openKv) => {
    await using kv = await openKv();
    await subscribe(kv, subscription("a", [TOPIC]));
    const first = isolate(kv);
    await startAll(first);
    first.kill();
    const batch = await commitChanges(kv, contentChange(TOPIC));
    const woken = isolate(kv, { since: batch.versionstamp });
    await woken.open();
    const adopting = woken.adopt();
    await woken.idle();
    woken.clock.advance(20_000);
    await woken.idle();
    await adopting;
    await woken.idle();
    equal(woken.sent.map(({ topic }) => topic), [TOPIC]);
    await woken.leave();
  },
);

testStores("ownership: on the embedded database a restart does not wait for its dead self", async (openKv) => {
  await using kv = await openKv();
  await subscribe(kv, subscription("a", [TOPIC]));
  const first = createEngine(kv);
  await startAll(first);
  first.kill();
  const { versionstamp } = await commitChanges(kv, contentChange(TOPIC));
  const second = createEngine(kv, { since: versionstamp });
  await startAll(second);
  equal(second.sent.length, 1);
  await second.leave();
});

testStores(
  "ownership: a shard that nobody ever had begins at the head: there were no subscriptions before",
  async (openKv) => {
    await using kv = await openKv();
    await subscribe(kv, subscription("a", [TOPIC]));
    const { versionstamp } = await commitChanges(kv, contentChange(TOPIC));
    const engine = createEngine(kv, { since: versionstamp });
    await startAll(engine);
    equal(engine.sent, []);
    equal((await readShards(kv)).map(({ record }) => record!.cursor), Array(16).fill(versionstamp));
    await engine.leave();
  },
);
