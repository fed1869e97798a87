import { readShards } from "../../../src/store/shards.ts";
import { contentChange, createEngine, type Engine, subscribe, subscription } from "../../helpers/engine.ts";
import { passAll, publishToAll, startAll, times } from "../../helpers/engines.ts";
import { equal, ok } from "../../helpers/assert.ts";
import { testStores } from "../../helpers/stores.ts";

const TOPICS = Array.from({ length: 40 }, (_, index) => `t/${index}`);

/** Workers on one database, all of which know how many there are. */
function openCell(kv: Deno.Kv) {
  const engines: Engine[] = [];
  const join = async (more: Parameters<typeof createEngine>[1] = {}) => {
    const engine = createEngine(kv, { embedded: false, workers: () => engines.length, ...more });
    engines.push(engine);
    await startAll(engine);
    return engine;
  };
  const drop = (engine: Engine) => void engines.splice(engines.indexOf(engine), 1);
  return { engines, join, drop };
}

const owned = async ({ metrics }: Engine) => (await metrics.shardsOwned.get()).values[0]?.value ?? 0;
const shares = (engines: Engine[]) => Promise.all(engines.map(owned));

async function subscribeAll(kv: Deno.Kv): Promise<void> {
  for (const topic of TOPICS) await subscribe(kv, subscription(topic.slice(2), [topic]));
}

testStores("sharing: who comes later gets its share, and everybody is told once meanwhile", async (openKv) => {
  await using kv = await openKv();
  await subscribeAll(kv);
  const { engines, join } = openCell(kv);
  await join();
  for (const expected of [[8, 8], [4, 6, 6], [4, 4, 4, 4]]) {
    await join();
    for (let second = 0; second < 24; second++) {
      await publishToAll(kv, engines, contentChange(TOPICS[second]!, { priority: 100 }));
      await passAll(engines, 1_000);
    }
    equal((await shares(engines)).sort(), expected);
  }
  const told = times(...engines);
  equal([told.size, new Set(told.values())], [24, new Set([3])]);
  for (const engine of engines) await engine.leave();
});

testStores("sharing: what a worker that leaves had is shared by the others", async (openKv) => {
  await using kv = await openKv();
  const { engines, join, drop } = openCell(kv);
  const first = await join();
  for (let n = 0; n < 2; n++) await join();
  await passAll(engines, 20_000);
  drop(first);
  await first.leave();
  await passAll(engines, 12_000);
  equal(await shares(engines), [8, 8]);
  for (const engine of engines) await engine.leave();
});

testStores("sharing: a shard is free only when nothing of it is under way", async (openKv) => {
  await using kv = await openKv();
  await subscribeAll(kv);
  const { engines, join } = openCell(kv), slow = Promise.withResolvers<undefined>();
  const first = await join({ answer: () => slow.promise });
  await publishToAll(kv, engines, ...TOPICS.map((topic) => contentChange(topic, { priority: 100 })));
  equal(first.sent.length, TOPICS.length);
  const second = await join();
  // Shorter than what makes of a slow delivery one that is tried again.
  for (let tenths = 0; tenths < 9; tenths++) await passAll(engines, 100, 100);
  equal((await readShards(kv)).filter(({ record }) => record!.owner === null).length, 0);
  slow.resolve(undefined);
  await passAll(engines, 15_000);
  equal([await shares(engines), second.sent.length], [[8, 8], 0]);
  for (const engine of engines) await engine.leave();
});

testStores("sharing: what nobody comes for is taken by whoever has its share already", async (openKv) => {
  await using kv = await openKv();
  const { engines, join } = openCell(kv);
  // A second one is said to live, which never takes anything.
  const alone = await join({ workers: () => 2 });
  ok(await owned(alone) <= 8);
  await passAll(engines, 30_000);
  equal((await readShards(kv)).every(({ record }) => record !== undefined && record.owner !== null), true);
  await alone.leave();
});
