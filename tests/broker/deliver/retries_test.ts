import type { Delivery, Outcome } from "../../../src/model/delivery.ts";
import { shardOf } from "../../../src/model/shard.ts";
import { readRetries, replaceRetry } from "../../../src/store/retries.ts";
import { topicHash } from "../../../src/store/subscribers.ts";
import { findSubscription, removeSubscription, saveSubscription } from "../../../src/store/subscriptions.ts";
import { contentChange, createEngine, subscribe, subscription } from "../../helpers/engine.ts";
import { createRetries } from "../../../src/broker/deliver/retries.ts";
import { countKeys } from "../../helpers/engines.ts";
import { equal, ok } from "../../helpers/assert.ts";
import { faultyKv } from "../../helpers/broker.ts";
import { testStores } from "../../helpers/stores.ts";

const TOPIC = "https://dav.example/alice/work/";
const A = subscription("a", [TOPIC]);

const token = (syncToken: string, more = {}) =>
  contentChange(TOPIC, { content: { depth: "1", syncToken, except: [] }, ...more });

type Answer = Outcome | undefined | Promise<Outcome>;

/** An engine whose push service gives these answers, one after the other, and then takes everything. */
async function engineWith(kv: Deno.Kv, ...answers: (Answer | ((delivery: Delivery) => Answer))[]) {
  const engine = createEngine(kv, {
    answer: (delivery) => {
      const answer = answers.shift();
      return typeof answer === "function" ? answer(delivery) : answer;
    },
  });
  await engine.start();
  await engine.idle();
  return engine;
}

const DOWN: Outcome = { kind: "retry", tried: true };

const seconds = ({ sent }: ReturnType<typeof createEngine>) => sent.map(({ at }) => at / 1000);
const tokens = ({ sent }: ReturnType<typeof createEngine>) =>
  sent.map(({ delivery }) => delivery.message?.merged.content?.syncToken);

testStores("retries: they come exponentially later, and end with the first success", async (openKv) => {
  await using kv = await openKv();
  await subscribe(kv, A);
  const engine = await engineWith(kv, DOWN, DOWN, DOWN, DOWN);
  await engine.publish(token("1"));
  await engine.pass(60_000);
  // 1, 2, 4 and 8 seconds, looked at once a second.
  equal(seconds(engine), [0, 1, 3, 7, 15]);
  equal([await countKeys(kv, "retry"), await countKeys(kv, "due")], [0, 0]);
  await engine.leave();
});

testStores("retries: what the push service asks for is obeyed where it is later", async (openKv) => {
  await using kv = await openKv();
  await subscribe(kv, A);
  const engine = await engineWith(
    kv,
    ({ until }) => ({ kind: "retry", tried: true, at: until - until + engine.clock.now() + 30_000 }),
    () => ({ kind: "retry", tried: true, at: engine.clock.now() + 100 }),
  );
  await engine.publish(token("1"));
  await engine.pass(60_000);
  equal(seconds(engine), [0, 30, 32]);
  await engine.leave();
});

testStores("retries: what was not tried does not count as a try", async (openKv) => {
  await using kv = await openKv();
  await subscribe(kv, A);
  const untried: Outcome = { kind: "retry", tried: false };
  const engine = await engineWith(kv, untried, untried, untried, untried);
  await engine.publish(token("1"));
  await engine.pass(10_000);
  equal(seconds(engine), [0, 1, 2, 3, 4]);
  await engine.leave();
});

testStores(
  "retries: why the last try failed is kept while its service is not asked at all, and ends with it",
  async (openKv) => {
    await using kv = await openKv();
    await subscribe(kv, A);
    const later = (at: number, tried: boolean, reason?: string): Outcome => ({ kind: "retry", tried, at, reason });
    const engine = await engineWith(
      kv,
      () => later(engine.clock.now() + 20_000, true, "503"),
      () => later(engine.clock.now() + 20_000, false),
      () => later(engine.clock.now() + 20_000, true, "timeout"),
    );
    const name = { hash: topicHash(TOPIC), id: A.id },
      reason = async () => (await readRetries(kv, [name]))[0]!.retry?.reason;
    await engine.publish(token("1"));
    for (const expected of ["503", "503", "timeout", undefined]) {
      await engine.pass(20_000);
      equal(await reason(), expected);
    }
    await engine.leave();
  },
);

testStores("retries: what comes meanwhile is merged into what waits, and goes out with it", async (openKv) => {
  await using kv = await openKv();
  await subscribe(kv, A);
  const engine = await engineWith(kv, () => ({ kind: "retry", tried: true, at: engine.clock.now() + 20_000 }));
  await engine.publish(
    contentChange(TOPIC, { content: undefined, property: { depth: "0", props: ["{DAV:}a"], except: [] } }),
  );
  await engine.publish(token("2"));
  await engine.publish(token("3", { priority: 90 }));
  await engine.pass(60_000);
  equal(seconds(engine), [0, 20]);
  const { merged } = engine.sent[1]!.delivery.message!;
  equal([merged.content?.syncToken, merged.property?.props, merged.priority], ["3", ["{DAV:}a"], 90]);
  await engine.leave();
});

testStores("retries: what comes while one is being tried goes out right after it", async (openKv) => {
  await using kv = await openKv();
  await subscribe(kv, A);
  const trying = Promise.withResolvers<Outcome>();
  const engine = await engineWith(kv, DOWN, trying.promise);
  await engine.publish(token("1"));
  await engine.pass(1_000);
  equal(seconds(engine), [0, 1]);
  await engine.publish(token("2", { priority: 90 }));
  await engine.pass(2_000);
  equal(engine.sent.length, 2);
  trying.resolve({ kind: "delivered" });
  await engine.pass(2_000);
  equal(tokens(engine), ["1", "1", "2"]);
  await engine.leave();
});

testStores(
  "retries: what comes while one is being tried is not lost when that fails, or the worker dies",
  async (openKv) => {
    await using kv = await openKv();
    await subscribe(kv, A);
    const trying = Promise.withResolvers<Outcome>();
    const engine = await engineWith(kv, DOWN, trying.promise);
    await engine.publish(token("1"));
    await engine.pass(1_000);
    await engine.publish(token("2", { priority: 90 }));
    await engine.pass(1_000);
    engine.kill();
    const next = createEngine(kv, { since: "f".repeat(20), clock: engine.clock });
    await next.start();
    await next.idle();
    await next.pass(5_000);
    equal(tokens(next), ["2"]);
    await next.leave();
  },
);

testStores(
  "retries: the subscription is read again: one that has ended, or left the topic, is not sent to",
  async (openKv) => {
    await using kv = await openKv();
    const B = subscription("b", [TOPIC, "other"]);
    await subscribe(kv, A);
    await subscribe(kv, B);
    const engine = await engineWith(kv, DOWN, DOWN);
    await engine.publish(token("1"));
    const [a, b] = [await findSubscription(kv, A.id), await findSubscription(kv, B.id)];
    await removeSubscription(kv, a, engine.clock.now());
    await saveSubscription(kv, b, { subscription: { ...B, topics: B.topics.slice(1) } });
    await engine.pass(5_000);
    equal(engine.sent.length, 2);
    equal([await countKeys(kv, "retry"), await countKeys(kv, "due")], [0, 0]);
    await engine.leave();
  },
);

testStores("retries: the newest address and keys are used", async (openKv) => {
  await using kv = await openKv();
  await subscribe(kv, A);
  const engine = await engineWith(kv, DOWN);
  await engine.publish(token("1"));
  await saveSubscription(kv, await findSubscription(kv, A.id), {
    subscription: { ...A, keys: { p256dh: "new", auth: "n" } },
  });
  await engine.pass(2_000);
  equal(engine.sent.at(-1)!.delivery.subscriber.keys.p256dh, "new");
  await engine.leave();
});

testStores("retries: never past the end of the subscription: then it is counted and dropped", async (openKv) => {
  await using kv = await openKv();
  const engine = await engineWith(kv, ...Array(30).fill(DOWN));
  const topics = [{ topic: TOPIC, expiresAt: engine.clock.now() + 10_000 }];
  await subscribe(kv, { ...A, topics });
  await engine.publish(token("1"));
  await engine.pass(30_000);
  equal(seconds(engine), [0, 1, 3, 7]);
  equal((await engine.metrics.deliveriesExpired.get()).values[0]!.value, 1);
  equal([await countKeys(kv, "retry"), await countKeys(kv, "due")], [0, 0]);
  await engine.leave();
});

testStores("retries: a subscription that was renewed since is told after its old end as well", async (openKv) => {
  await using kv = await openKv();
  const engine = await engineWith(kv, ...Array(6).fill(DOWN));
  const until = (milliseconds: number) => [{ topic: TOPIC, expiresAt: engine.clock.now() + milliseconds }];
  await subscribe(kv, { ...A, topics: until(10_000) });
  await engine.publish(token("1"));
  await subscribe(kv, { ...A, topics: until(3_600_000) });
  await engine.pass(120_000);
  equal(seconds(engine), [0, 1, 3, 7, 15, 31, 63]);
  equal((await engine.metrics.deliveriesExpired.get()).values[0]!.value, 0);
  await engine.leave();
});

testStores(
  "retries: gone ends the subscription with everything that leads to it, rejected ends the message alone",
  async (openKv) => {
    await using kv = await openKv();
    await subscribe(kv, A);
    await subscribe(kv, subscription("b", [TOPIC]));
    const engine = await engineWith(kv, { kind: "gone" }, { kind: "rejected" });
    await engine.publish(token("1"));
    await engine.publish(token("2"));
    await engine.pass(6_000);
    equal(engine.sent.map(({ id, at }) => [id[0], at]), [["a", 0], ["b", 0], ["b", 5_000]]);
    equal((await findSubscription(kv, A.id)).kept, undefined);
    equal([await countKeys(kv, "by_topic"), await countKeys(kv, "by_owner"), await countKeys(kv, "retry")], [1, 1, 0]);
    await engine.leave();
  },
);

testStores("retries: a subscription that is gone when it is tried again ends as well", async (openKv) => {
  await using kv = await openKv();
  await subscribe(kv, A);
  const engine = await engineWith(kv, DOWN, { kind: "gone" });
  await engine.publish(token("1"));
  await engine.pass(3_000);
  equal((await findSubscription(kv, A.id)).kept, undefined);
  equal([await countKeys(kv, "by_topic"), await countKeys(kv, "retry"), await countKeys(kv, "due")], [0, 0, 0]);
  await engine.leave();
});

testStores("retries: a network error never ends a subscription, however often", async (openKv) => {
  await using kv = await openKv();
  await subscribe(kv, A);
  const engine = await engineWith(kv, ...Array(12).fill(DOWN));
  await engine.publish(token("1"));
  await engine.pass(3 * 3_600_000, 60_000);
  ok((await findSubscription(kv, A.id)).kept);
  equal(engine.sent.length, 13);
  await engine.leave();
});

testStores(
  "retries: a slow delivery holds up neither its topic nor the checkpoint, and is not sent twice",
  async (openKv) => {
    await using kv = await openKv();
    await subscribe(kv, A);
    await subscribe(kv, subscription("b", [TOPIC]));
    const slow = Promise.withResolvers<Outcome>();
    const engine = await engineWith(kv, slow.promise);
    await engine.publish(token("1"));
    await engine.publish(token("2"));
    await engine.pass(7_000);
    equal(engine.sent.map(({ id }) => id[0]), ["a", "b", "b"]);
    slow.resolve({ kind: "delivered" });
    await engine.pass(40_000);
    // What came meanwhile, and nothing else.
    equal(engine.sent.map(({ id }) => id[0]), ["a", "b", "b", "a"]);
    equal(tokens(engine), ["1", "1", "2", "2"]);
    equal([await countKeys(kv, "retry"), await countKeys(kv, "due"), await countKeys(kv, "window")], [0, 0, 0]);
    await engine.leave();
  },
);

testStores("retries: thousands that are due are all tried, and how many is known", async (openKv) => {
  await using kv = await openKv();
  for (let n = 0; n < 300; n++) await subscribe(kv, subscription(`${n}x`, [TOPIC]));
  const engine = await engineWith(kv, ...Array(300).fill(DOWN));
  await engine.publish(token("1"));
  await engine.pass(4_000);
  equal(new Set(engine.sent.slice(300).map(({ id }) => id)).size, 300);
  equal(engine.sent.length, 600);
  await engine.leave();
});

Deno.test("retries: while somebody reads a topic from the database, what is known of it is kept", () => {
  const retries = createRetries(3), name = { hash: "hash", id: "id" };
  const retry = { topic: TOPIC, merged: { priority: 1, timestamp: 1 }, attempt: 0, at: 1, until: 2 };
  retries.hold("hash");
  retries.hold("hash");
  retries.add(name, retry);
  retries.take();
  for (const isHeld of [true, true, false]) {
    retries.forget();
    equal(retries.find(name) !== undefined, isHeld);
    if (isHeld) retries.release("hash");
  }
});

testStores(
  "retries: one whose subscription cannot be read is looked at once a minute, and not after its end",
  async (openKv) => {
    await using kv = await openKv();
    const { kv: watched, writes } = countWrites(kv);
    const engine = createEngine(watched), hash = topicHash(TOPIC), name = { hash, id: A.id };
    await kv.set(["subscription", A.id], new TextEncoder().encode('{"v":2}'));
    const content = { depths: ["0" as const], except: [], timestamp: 1 };
    const retry = { topic: TOPIC, merged: { priority: 50, timestamp: 1, content }, attempt: 0, at: engine.clock.now() };
    const until = engine.clock.now() + 150_000;
    for (const { key, value } of replaceRetry(shardOf(hash), name, undefined, { ...retry, until })) {
      await kv.set(key, value);
    }
    await engine.start();
    await engine.pass(600_000);
    equal([engine.sent.length, await countKeys(kv, "retry"), await countKeys(kv, "due")], [0, 0, 0]);
    equal((await engine.metrics.deliveriesExpired.get()).values[0]!.value, 1);
    ok(writes() < 30, `${writes()}`);
    await engine.leave();
  },
);

function countWrites(kv: Deno.Kv): { kv: Deno.Kv; writes: () => number } {
  let writes = 0;
  return { kv: faultyKv(kv, (commit) => (writes++, commit())), writes: () => writes };
}
