import { createFollower } from "../../src/broker/follow.ts";
import { encodeChange, joinBatch } from "../../src/store/batch.ts";
import { createPace } from "../../src/broker/pace.ts";
import { createPublisher } from "../../src/broker/publish.ts";
import { append, readAfter } from "../../src/store/journal.ts";
import { EARLIEST } from "../../src/model/position.ts";
import { equal, ok, refuses } from "../helpers/assert.ts";
import { brokerDeps, change, countScans, overrideKv } from "../helpers/broker.ts";
import { manualClock } from "../helpers/clock.ts";
import { testStores } from "../helpers/stores.ts";

async function commit(kv: Deno.Kv, topic: string): Promise<void> {
  const nonce = crypto.randomUUID();
  await append(kv, { value: joinBatch([encodeChange(change(topic))]), seen: [nonce], nonce, published: [], now: 0 });
}

function followerOn(kv: Deno.Kv, clock = manualClock()) {
  const topics: string[] = [];
  const seen = (batch: { changes: { topics: string[] }[] }) =>
    void topics.push(...batch.changes.map(({ topics }) => topics[0]!));
  const deps = brokerDeps(kv, clock);
  return { ...createFollower({ ...deps, since: EARLIEST.versionstamp, seen }), topics, clock, metrics: deps.metrics };
}

const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve));
};

testStores("follow: every batch once, in commit order, however often it is kicked", async (openKv) => {
  await using kv = await openKv();
  const { catchUp, kick, topics } = followerOn(kv);
  const expected = Array.from({ length: 250 }, (_, n) => `${n}`);
  for (const topic of expected) {
    await commit(kv, topic);
    kick();
    kick();
  }
  await catchUp();
  equal(topics, expected);
});

testStores("follow: the bell wakes it without a kick or a poll", async (openKv) => {
  await using kv = await openKv();
  const { run, topics } = followerOn(kv);
  const stop = new AbortController();
  const running = run(stop.signal);
  await commit(kv, "a");
  await until(() => topics.length === 1);
  await commit(kv, "b");
  await until(() => topics.length === 2);
  stop.abort();
  await running;
});

testStores("follow: a watch that died silently is covered by the poll", async (openKv) => {
  await using kv = await openKv();
  const deaf = overrideKv(kv, { watch: () => new ReadableStream() });
  const { run, topics, clock } = followerOn(deaf);
  const stop = new AbortController();
  const running = run(stop.signal);
  await commit(kv, "a");
  equal(topics, []);
  clock.advance(10_000);
  await until(() => topics.length === 1);
  stop.abort();
  await running;
});

testStores("follow: the watch is renewed on a schedule, and again after a fault", async (openKv) => {
  await using kv = await openKv();
  let watches = 0;
  const counting = overrideKv(kv, {
    watch: () =>
      ++watches === 2 ? new ReadableStream({ start: (c) => c.error(new Error("gone")) }) : new ReadableStream(),
  });
  const { run, clock } = followerOn(counting);
  const stop = new AbortController();
  const running = run(stop.signal);
  equal(watches, 1);
  clock.advance(300_000);
  await until(() => watches === 2);
  await until(() => clock.waiting >= 2);
  clock.advance(1_000);
  await until(() => watches === 3);
  stop.abort();
  await running;
});

testStores(
  "follow: a batch of an unknown version is set aside and counted, and what follows is read",
  async (openKv) => {
    await using kv = await openKv();
    await commit(kv, "a");
    await kv.atomic().set(["journal", kv.commitVersionstamp()], new TextEncoder().encode('{"v":99}')).commit();
    await commit(kv, "b");
    const { catchUp, topics, metrics } = followerOn(kv);
    await catchUp();
    equal(topics, ["a", "b"]);
    equal((await metrics.batchesUnknown.get()).values[0]?.value, 1);
  },
);

testStores("follow: a database that refuses fails the call, not the follower", async (openKv) => {
  await using kv = await openKv();
  let broken = true;
  const next = () => Promise.reject(new Error("io"));
  const list = (...args: Parameters<Deno.Kv["list"]>) =>
    broken ? { next, [Symbol.asyncIterator]: () => ({ next }) } : kv.list(...args);
  const failing = overrideKv(kv, { list });
  const { catchUp, topics } = followerOn(failing);
  await commit(kv, "a");
  await refuses("kv_failed", catchUp);
  broken = false;
  await catchUp();
  ok(topics.length === 1);
});

/** A publisher beside its follower, over a database that counts its scans. */
function pairOn(kv: Deno.Kv) {
  const { counting, scans } = countScans(kv);
  const follower = followerOn(counting);
  const deps = brokerDeps(counting, follower.clock);
  const pace = createPace(follower.clock.now);
  const publisher = createPublisher({ ...deps, pace, committed: follower.offer, position: follower.position });
  const publish = (topic: string) => publisher.publish({ changes: [change(topic)] });
  return { ...follower, publish, reads: scans };
}

testStores("follow: what this process committed is seen without reading it back", async (openKv) => {
  await using kv = await openKv();
  const { publish, topics, reads } = pairOn(kv);
  for (const topic of ["a", "b", "c"]) await publish(topic);
  equal([topics, reads()], [["a", "b", "c"], 0]);
});

testStores(
  "follow: another writer's commit between two of our own is read, in order, and ours is stored once",
  async (openKv) => {
    await using kv = await openKv();
    const { publish, topics, catchUp } = pairOn(kv);
    await publish("a");
    await commit(kv, "theirs");
    await publish("b");
    await publish("c");
    await catchUp();
    await publish("d");
    equal(topics, ["a", "theirs", "b", "c", "d"]);
    const stored = (await readAfter(kv, EARLIEST.versionstamp, 10)).flatMap(({ changes }) =>
      changes!.map(({ topics }) => topics[0]!)
    );
    equal(stored, topics);
  },
);
