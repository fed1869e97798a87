import type { Outcome } from "../../../src/model/delivery.ts";
import { shardOf } from "../../../src/model/shard.ts";
import { countSubscriptions } from "../../../src/store/counts.ts";
import { findSubscription, saveSubscription } from "../../../src/store/subscriptions.ts";
import { contentChange, createEngine, subscribe, subscription } from "../../helpers/engine.ts";
import { equal, ok } from "../../helpers/assert.ts";
import { testStores } from "../../helpers/stores.ts";

const TOPIC = "https://dav.example/alice/work/";
const A = subscription("a", [TOPIC, "other"]);

const DAY = 24 * 3_600_000;

type Answers = (Outcome | Promise<Outcome> | undefined)[];

async function engineWith(kv: Deno.Kv, ...answers: Answers) {
  const engine = createEngine(kv, { answer: () => answers.shift() });
  await engine.start();
  await engine.idle();
  return engine;
}

/** As the door does: the subscription waits for its initial push, and the engine is woken. */
async function subscribeAnew(engine: Awaited<ReturnType<typeof engineWith>>, kv: Deno.Kv) {
  const now = engine.clock.now();
  await subscribe(kv, A, { attempt: 0, at: now, until: now + DAY });
  engine.subscribed({ ...A, confirmed: false });
  await engine.idle();
}

const DOWN: Outcome = { kind: "retry", tried: true };
const topics = (sent: { topic: string | undefined; at: number }[]) => sent.map(({ topic, at }) => [topic, at / 1000]);
const isConfirmed = async (kv: Deno.Kv) => (await findSubscription(kv, A.id)).kept?.subscription.confirmed;
const unconfirmed = async (kv: Deno.Kv) => (await countSubscriptions(kv, A.owner, A.address)).unconfirmedAt;

testStores(
  "initial: a new subscription gets one push that tells of no change, and is confirmed by its answer",
  async (openKv) => {
    await using kv = await openKv();
    const engine = await engineWith(kv);
    await subscribeAnew(engine, kv);
    equal(topics(engine.sent), [[undefined, 0]]);
    equal([await isConfirmed(kv), await unconfirmed(kv)], [true, 0]);
    await engine.pass(60_000, 5_000);
    equal(engine.sent.length, 1);
    await engine.leave();
  },
);

testStores(
  "initial: until it is confirmed it gets nothing else, and then all that came meanwhile, once",
  async (openKv) => {
    await using kv = await openKv();
    const pushing = Promise.withResolvers<Outcome>();
    const engine = await engineWith(kv, pushing.promise);
    await subscribeAnew(engine, kv);
    await engine.publish(contentChange(TOPIC, { content: { depth: "1", syncToken: "1", except: [] } }));
    await engine.publish(contentChange(TOPIC, { content: { depth: "1", syncToken: "2", except: [] } }));
    await engine.publish(contentChange("other"));
    await engine.pass(20_000);
    equal([topics(engine.sent), await isConfirmed(kv), await unconfirmed(kv)], [[[undefined, 0]], false, 1]);
    pushing.resolve({ kind: "delivered" });
    await engine.pass(5_000);
    const rest = engine.sent.slice(1);
    equal(rest.map(({ topic }) => topic).sort(), [TOPIC, "other"]);
    const [told] = rest.filter(({ topic }) => topic === TOPIC);
    equal(told!.delivery.message!.merged.content?.syncToken, "2");
    await engine.leave();
  },
);

testStores("initial: why it was not taken is kept until it is", async (openKv) => {
  await using kv = await openKv();
  const engine = await engineWith(kv, { ...DOWN, reason: "503" } as Outcome, { kind: "retry", tried: false });
  await subscribeAnew(engine, kv);
  const initial = async () => (await findSubscription(kv, A.id)).kept?.initial;
  equal((await initial())?.reason, "503");
  await engine.pass(1_000);
  equal([(await initial())?.reason, (await initial())?.attempt], ["503", 1]);
  await engine.pass(10_000);
  equal(await initial(), undefined);
  await engine.leave();
});

testStores("initial: it is tried again as any message is, and no more than that", async (openKv) => {
  await using kv = await openKv();
  const engine = await engineWith(kv, DOWN, DOWN, DOWN);
  await subscribeAnew(engine, kv);
  await engine.pass(60_000);
  equal(engine.sent.length, 4);
  ok(await isConfirmed(kv));
  await engine.leave();
});

for (const kind of ["gone", "rejected"] as const) {
  testStores(
    `initial: an address that answers ${kind} can never be confirmed: the subscription ends`,
    async (openKv) => {
      await using kv = await openKv();
      const engine = await engineWith(kv, { kind });
      await subscribeAnew(engine, kv);
      equal([(await findSubscription(kv, A.id)).kept, await unconfirmed(kv)], [undefined, 0]);
      await engine.publish(contentChange(TOPIC));
      equal(engine.sent.length, 1);
      await engine.leave();
    },
  );
}

testStores("initial: an address that does not answer for a day is given up", async (openKv) => {
  await using kv = await openKv();
  const engine = await engineWith(kv, ...Array(99).fill(DOWN));
  await subscribeAnew(engine, kv);
  await engine.pass(DAY + 2 * 3_600_000, 300_000);
  equal((await findSubscription(kv, A.id)).kept, undefined);
  const last = engine.sent.at(-1)!.at;
  ok(last <= DAY && engine.sent.length < 45, `${engine.sent.length}`);
  await engine.leave();
});

testStores("initial: one that another worker wrote down is found within seconds", async (openKv) => {
  await using kv = await openKv();
  const engine = await engineWith(kv);
  await subscribe(kv, A, { attempt: 0, at: engine.clock.now(), until: engine.clock.now() + DAY });
  await engine.pass(6_000);
  equal(engine.sent.length, 1);
  await engine.leave();
});

testStores(
  "initial: a subscription that is changed while its initial push is under way keeps the change",
  async (openKv) => {
    await using kv = await openKv();
    const pushing = Promise.withResolvers<Outcome>();
    const engine = await engineWith(kv, pushing.promise);
    await subscribeAnew(engine, kv);
    const found = await findSubscription(kv, A.id);
    await saveSubscription(kv, found, {
      ...found.kept!,
      subscription: { ...found.kept!.subscription, minPriority: 7 },
    });
    pushing.resolve({ kind: "delivered" });
    await engine.idle();
    const { subscription, initial } = (await findSubscription(kv, A.id)).kept!;
    equal([subscription.minPriority, subscription.confirmed, initial], [7, true, undefined]);
    await engine.leave();
  },
);

testStores("initial: what was tried with other keys says nothing of the subscription", async (openKv) => {
  await using kv = await openKv();
  const pushing = Promise.withResolvers<Outcome>();
  const engine = await engineWith(kv, pushing.promise);
  await subscribeAnew(engine, kv);
  const found = await findSubscription(kv, A.id);
  const { subscription, initial } = found.kept!;
  const renewed = {
    subscription: { ...subscription, keys: { p256dh: "new", auth: "new" } },
    initial: { ...initial!, at: initial!.at + 1 },
  };
  await saveSubscription(kv, found, renewed);
  pushing.resolve({ kind: "rejected" });
  await engine.pass(6_000);
  equal(engine.sent.map(({ delivery }) => delivery.subscriber.keys.p256dh), ["key", "new"]);
  ok(await isConfirmed(kv));
  await engine.leave();
});

testStores("initial: a worker that is killed in the middle of it leaves it to the next", async (openKv) => {
  await using kv = await openKv();
  const engine = await engineWith(kv, new Promise(() => {}));
  await subscribeAnew(engine, kv);
  engine.kill();
  const next = createEngine(kv, { clock: engine.clock });
  await next.start();
  await next.pass(1_000);
  equal([topics(next.sent), await isConfirmed(kv)], [[[undefined, 1]], true]);
  await next.leave();
});

testStores(
  "initial: a worker that leaves begins none any more, and sends none of a shard that it gave back",
  async (openKv) => {
    await using kv = await openKv();
    const answers: (() => void)[] = [];
    const engine = createEngine(kv, {
      answer: () => new Promise((resolve) => answers.push(() => resolve(undefined))),
    });
    const now = engine.clock.now(), all = Array.from({ length: 4_000 }, (_, n) => subscription(`n${n}`, [TOPIC]));
    const ofOneShard = all.filter(({ id }) => shardOf(id) === shardOf(all[0]!.id)).slice(0, 200);
    for (const each of ofOneShard) await subscribe(kv, each, { attempt: 0, at: now, until: now + DAY });
    await engine.start();
    await engine.idle();
    await engine.pass(1_000);
    const before = engine.sent.length;
    ok(before > 50 && before < ofOneShard.length, `${before}`);
    const leaving = engine.leave();
    await engine.idle();
    for (const answer of answers.splice(0, 20)) answer();
    await engine.idle();
    equal(engine.sent.length, before);
    engine.clock.advance(2_500);
    await engine.idle();
    await leaving;
    for (let round = 0; round < 5; round++) {
      for (const answer of answers.splice(0)) answer();
      await engine.idle();
    }
    equal(engine.sent.length, before);
  },
);
