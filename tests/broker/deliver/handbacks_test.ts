/** What pages, or a subscription that changed, hand back to a shard's owner. */
import { shardOf } from "../../../src/model/shard.ts";
import { listHandbacks, setHandback } from "../../../src/store/pages.ts";
import { topicHash } from "../../../src/store/subscribers.ts";
import { contentChange, createEngine } from "../../helpers/engine.ts";
import { countKeys, randomIds, startAll, subscribeMany, times } from "../../helpers/engines.ts";
import { equal, ok } from "../../helpers/assert.ts";
import { faultyKv } from "../../helpers/broker.ts";
import { manualClock } from "../../helpers/clock.ts";
import { testStores } from "../../helpers/stores.ts";

const TOPIC = "https://dav.example/holidays/", HASH = topicHash(TOPIC), SHARD = shardOf(HASH);

function retryAt(at: number, syncToken: string) {
  const content = { depths: ["1" as const], except: [], timestamp: 1, syncToken };
  const merged = { priority: 50, timestamp: 1, content };
  return { topic: TOPIC, merged, attempt: 0, at, until: at + 86_400_000 };
}

/** Hands back as a worker does that has died since. */
async function handBack(kv: Deno.Kv, ids: string[], at: number, syncToken = "1"): Promise<void> {
  for (const id of ids) {
    const { key, value } = setHandback(SHARD, { hash: HASH, id }, retryAt(at, syncToken));
    await kv.set(key, value);
  }
}

testStores(
  "handbacks: a restart finds all of them, however many, behind those of another version as well",
  async (openKv) => {
    await using kv = await openKv();
    const clock = manualClock(), ids = randomIds(700), other = new TextEncoder().encode('{"v":2}');
    await subscribeMany(kv, TOPIC, ids);
    await handBack(kv, ids, clock.now());
    for (let n = 0; n < 450; n++) await kv.set(["handback", SHARD, "--first--", `${n}`, "nonce"], other);
    let commits = 0;
    const engine = createEngine(faultyKv(kv, (commit) => (commits++, commit())), { clock });
    await startAll(engine);
    await engine.pass(4_000);
    equal([times(engine).size, engine.sent.length, await countKeys(kv, "handback")], [700, 700, 450]);
    const { values } = await engine.metrics.recordsSetAside.get();
    equal(values.find(({ labels }) => labels.kind === "retry")?.value, 450);
    // What cannot be read is looked at again, and costs no more than that.
    commits = 0;
    await engine.pass(60_000);
    equal(commits, 0);
    await engine.leave();
  },
);

testStores("handbacks: one that is written while an earlier one is taken in is not ended with it", async (openKv) => {
  await using kv = await openKv();
  const clock = manualClock(), [id] = randomIds(1);
  await subscribeMany(kv, TOPIC, [id!]);
  await handBack(kv, [id!], clock.now());
  const engine = createEngine(kv, { clock });
  await startAll(engine);
  await handBack(kv, [id!], clock.now(), "2");
  equal((await listHandbacks(kv, SHARD, 10)).length, 2);
  await engine.pass(10_000);
  equal(await countKeys(kv, "handback"), 0);
  equal(engine.sent.at(-1)!.delivery.message!.merged.content!.syncToken, "2");
  await engine.leave();
});

testStores("handbacks: of pages that cannot deliver large messages all arrive, in several commits", async (openKv) => {
  await using kv = await openKv();
  const ids = randomIds(14_000);
  await subscribeMany(kv, TOPIC, ids);
  let sends = 0, down = true;
  const engine = createEngine(kv, {
    answer: () => ++sends > 10_000 && down ? { kind: "retry", tried: true } : undefined,
  });
  await startAll(engine);
  await engine.publish(contentChange(TOPIC, { data: "x".repeat(3_900) }));
  await engine.pass(10_000);
  down = false;
  await engine.pass(60_000, 5_000);
  equal([times(engine).size, await countKeys(kv, "page"), await countKeys(kv, "handback")], [ids.length, 0, 0]);
  const before = engine.sent.length;
  await engine.publish(contentChange(TOPIC, { timestamp: 9, priority: 100 }));
  await engine.pass(10_000);
  equal(engine.sent.length - before, ids.length);
  await engine.leave();
});

testStores(
  "handbacks: a worker that is killed while it takes them in leaves the others to the next",
  async (openKv) => {
    await using kv = await openKv();
    const clock = manualClock(), ids = randomIds(700);
    await subscribeMany(kv, TOPIC, ids);
    let commits = 0;
    // Until then it takes its shards, and the first of what was handed back.
    const dying = faultyKv(kv, async (commit) => {
      const result = await commit();
      if (++commits === 18) first.kill();
      return result;
    });
    await handBack(kv, ids, clock.now());
    const first = createEngine(dying, { clock, answer: () => new Promise(() => {}) });
    await first.start().catch(() => {});
    await first.idle();
    const left = await countKeys(kv, "handback");
    ok(left > 0 && left < 700, `${left}`);
    const second = createEngine(kv, { clock });
    await startAll(second);
    await second.pass(5_000);
    equal([times(second).size, await countKeys(kv, "handback")], [700, 0]);
    await second.leave();
  },
);
