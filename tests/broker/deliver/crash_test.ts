/** What a killed worker leaves, another goes on with: nothing is lost, and little is repeated. */
import type { Outcome } from "../../../src/model/delivery.ts";
import { commitChanges, contentChange, createEngine, subscribe, subscription } from "../../helpers/engine.ts";
import { countKeys, randomIds, subscribeMany, times } from "../../helpers/engines.ts";
import { equal, ok } from "../../helpers/assert.ts";
import { faultyKv } from "../../helpers/broker.ts";
import { testStores } from "../../helpers/stores.ts";

const TOPIC = "https://dav.example/alice/work/";

const token = (syncToken: string, more = {}) =>
  contentChange(TOPIC, { content: { depth: "1", syncToken, except: [] }, ...more });

type Engine = ReturnType<typeof createEngine>;

async function start(engine: Engine): Promise<Engine> {
  await engine.start();
  await engine.idle();
  return engine;
}

const tokens = ({ sent }: Engine) => sent.map(({ delivery }) => delivery.message?.merged.content?.syncToken);

testStores("crash: a change that was only in the journal is delivered", async (openKv) => {
  await using kv = await openKv();
  await subscribe(kv, subscription("a", [TOPIC]));
  const first = await start(createEngine(kv));
  first.kill();
  const { versionstamp } = await commitChanges(kv, token("1"));
  const second = await start(createEngine(kv, { since: versionstamp }));
  equal(tokens(second), ["1"]);
  await second.leave();
});

testStores(
  "crash: what waits in a window is delivered at once, since nobody knows how long ago it was written down",
  async (openKv) => {
    await using kv = await openKv();
    const second = await restarted(kv, (first) => first.kill());
    equal(tokens(second), ["2"]);
    await second.leave();
  },
);

testStores(
  "crash: what waits in a window of a worker that left is delivered when its time has come",
  async (openKv) => {
    await using kv = await openKv();
    const second = await restarted(kv, (first) => first.leave());
    await second.pass(58_000);
    equal(tokens(second), []);
    await second.pass(2_000);
    equal(tokens(second), ["2"]);
    await second.leave();
  },
);

/** A second worker, after the first had a second change that may wait for a minute. */
async function restarted(kv: Deno.Kv, end: (first: Engine) => Promise<void> | void): Promise<Engine> {
  await subscribe(kv, subscription("a", [TOPIC]));
  const first = await start(createEngine(kv));
  await first.publish(token("1"));
  await first.publish(token("2", { priority: 0 }));
  await first.pass(1_000);
  await end(first);
  const { versionstamp } = await commitChanges(kv, contentChange("elsewhere"));
  return await start(createEngine(kv, { since: versionstamp }));
}

for (const part of [1, 2, 3]) {
  testStores(
    `crash: a worker that is killed after part ${part} of what it writes down loses nothing`,
    async (openKv) => {
      await using kv = await openKv();
      const COUNT = 600;
      await subscribeMany(kv, TOPIC, randomIds(COUNT));
      let left = Infinity;
      const dying = faultyKv(kv, async (commit) => {
        const result = await commit();
        if (--left === 0) first.kill();
        return result;
      });
      const gate = Promise.withResolvers<Outcome>();
      const first: Engine = await start(createEngine(dying, { answer: () => gate.promise }));
      await first.pass(900, 900);
      await first.publish(token("1"));
      await first.pass(100, 100);
      equal([await countKeys(kv, "window"), await countKeys(kv, "retry")], [1, 0]);
      gate.resolve({ kind: "retry", tried: true });
      await first.until(COUNT);
      await first.idle();
      left = part;
      first.clock.advance(1_000);
      await first.idle();
      ok(await countKeys(kv, "retry") >= 200 * part);
      const second = await start(createEngine(kv, { since: "f".repeat(20), clock: first.clock }));
      await second.pass(60_000);
      equal(times(second).size, COUNT);
      await second.leave();
    },
  );
}

testStores("crash: a fan-out goes on from its last checkpoint", async (openKv) => {
  await using kv = await openKv();
  const COUNT = 1_200;
  await subscribeMany(kv, TOPIC, randomIds(COUNT));
  let answered = 0;
  const stuck = Promise.withResolvers<Outcome>();
  const engine = createEngine(kv, { answer: () => ++answered > 700 ? stuck.promise : undefined });
  await start(engine);
  await engine.publish(token("1"));
  await engine.pass(900, 900);
  equal(engine.sent.length, 700 + 64);
  // The checkpoint writes down that 700 have an outcome, and parks those that are under way.
  engine.clock.advance(100);
  await engine.idle();
  engine.kill();
  const second = await start(createEngine(kv, { since: "f".repeat(20), clock: engine.clock }));
  ok(second.sent.length >= COUNT - 700 - 128, `${second.sent.length}`);
  await second.pass(32_000);
  const got = new Set([...engine.sent.slice(0, 700), ...second.sent].map(({ id }) => id));
  const repeated = engine.sent.filter(({ id }) => second.sent.some((sent) => sent.id === id));
  equal(got.size, COUNT);
  ok(repeated.length <= 2 * 64, `${repeated.length}`);
  await second.leave();
});

testStores("crash: what was to be tried again is", async (openKv) => {
  await using kv = await openKv();
  await subscribe(kv, subscription("a", [TOPIC]));
  const down: Outcome = { kind: "retry", tried: true };
  const first = await start(createEngine(kv, { answer: () => down }));
  await first.publish(token("1"));
  await first.pass(1_000);
  first.kill();
  const second = createEngine(kv, { since: "f".repeat(20), clock: first.clock });
  await start(second);
  await second.pass(3_000);
  equal(tokens(second), ["1"]);
  await second.leave();
});

testStores("crash: a delivery under way that was parked is tried again", async (openKv) => {
  await using kv = await openKv();
  await subscribe(kv, subscription("a", [TOPIC]));
  const first = await start(createEngine(kv, { answer: () => new Promise(() => {}) }));
  await first.publish(token("1"));
  await first.pass(3_000);
  first.kill();
  const second = createEngine(kv, { since: "f".repeat(20), clock: first.clock });
  await start(second);
  await second.pass(32_000);
  equal(tokens(second), ["1"]);
  await second.leave();
});

testStores("crash: nothing that is acknowledged is lost, wherever the worker is killed", async (openKv) => {
  await using kv = await openKv();
  const topics = Array.from({ length: 12 }, (_, index) => `t/${index}`);
  for (const topic of topics) {
    for (let n = 0; n < 20; n++) await subscribe(kv, subscription(`${n}-${topic.slice(2)}`, [topic]));
  }
  const last = new Map<string, string>();
  let since: string | undefined;
  let clock: Engine["clock"] | undefined;
  for (let round = 0; round < 25; round++) {
    let budget = 7 * round;
    const engine = createEngine(kv, {
      ...(since && { since }),
      ...(clock && { clock }),
      // Somewhere in the middle the push service falls silent, and the worker is killed.
      answer: ({ subscriber, message }) => {
        if (budget-- <= 0) return new Promise(() => {});
        last.set(`${subscriber.id} ${message!.topic}`, message!.merged.content!.syncToken!);
        return budget % 5 === 0 ? { kind: "retry", tried: true } : undefined;
      },
    });
    await start(engine);
    const changes = topics.map((topic) => contentChange(topic, { timestamp: round, content: content(`${round}`) }));
    const batch = await commitChanges(kv, ...changes);
    since = batch.versionstamp;
    engine.seen(batch);
    await engine.idle();
    if (round % 3) await engine.pass(1_000 * (round % 3));
    clock = engine.clock;
    engine.kill();
  }
  const end = createEngine(kv, {
    since: since!,
    clock: clock!,
    answer: ({ subscriber, message }) => {
      last.set(`${subscriber.id} ${message!.topic}`, message!.merged.content!.syncToken!);
      return undefined;
    },
  });
  await start(end);
  await end.pass(120_000, 5_000);
  equal(last.size, 240);
  equal([...new Set(last.values())], ["24"]);
  await end.leave();
});

const content = (syncToken: string) => ({ depth: "1" as const, syncToken, except: [] });
