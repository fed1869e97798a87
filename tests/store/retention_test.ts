import { encodeChange, joinBatch } from "../../src/store/batch.ts";
import { append, findPublishedId, readAfter } from "../../src/store/journal.ts";
import { prune, readHorizon, RETENTION } from "../../src/store/retention.ts";
import { commitShard } from "../../src/store/shards.ts";
import { EARLIEST } from "../../src/model/position.ts";
import { equal, ok } from "../helpers/assert.ts";
import { change } from "../helpers/broker.ts";
import { testStores } from "../helpers/stores.ts";

const DAY = 24 * 3_600_000;

async function commit(kv: Deno.Kv, now: number, seen: string, published: string[] = []): Promise<string> {
  const value = joinBatch([encodeChange(change(seen))]);
  const result = await append(kv, {
    value,
    seen: [seen],
    nonce: seen,
    published: published.map((hash) => ({ hash, index: 0 })),
    now,
  });
  return result.ok ? result.versionstamp : "known";
}

const held = async (kv: Deno.Kv) =>
  (await readAfter(kv, EARLIEST.versionstamp, 1000)).map(({ changes }) => changes![0]!.topics[0]);

async function countKeys(kv: Deno.Kv): Promise<number> {
  return (await Array.fromAsync(kv.list({ prefix: [] }))).length;
}

testStores(
  "retention: batches older than a day go, with their publishers' ids, and the horizon moves",
  async (openKv) => {
    await using kv = await openKv();
    const old = await commit(kv, 0, "old", ["id"]);
    await commit(kv, 1000, "new");
    equal((await prune(kv, DAY + 500)).batches, 1);
    equal(await held(kv), ["new"]);
    equal(await readHorizon(kv), old);
    equal(await findPublishedId(kv, "id", () => {}), undefined);
  },
);

testStores("retention: a jti outlives its batch until no SET with it could be fresh", async (openKv) => {
  await using kv = await openKv();
  await commit(kv, 0, "jti");
  await commit(kv, DAY, "newest");
  await prune(kv, DAY + 60_000);
  equal([await held(kv), await commit(kv, DAY, "jti")], [["newest"], "known"]);
  await prune(kv, DAY + 301_000);
  equal((await commit(kv, DAY, "jti")).length, 20);
});

testStores("retention: over the byte budget the oldest go first, their jtis stay", async (openKv) => {
  await using kv = await openKv();
  for (let n = 0; n < 10; n++) await commit(kv, n, `${n}`);
  const each = (await prune(kv, 10)).bytes / 10;
  equal((await prune(kv, 10, { ...RETENTION, bytes: each * 3 })).batches, 7);
  equal(await held(kv), ["7", "8", "9"]);
  equal(await commit(kv, 10, "0"), "known");
});

testStores("retention: nothing is pruned that a shard has not read, however old and large it is", async (openKv) => {
  await using kv = await openKv();
  const stamps = [];
  for (let n = 0; n < 6; n++) stamps.push(await commit(kv, n, `${n}`));
  await commitShard(kv, 0, null, { owner: "a", cursor: stamps[4]!, nonce: "1" });
  const behind = await commitShard(kv, 7, null, { owner: "b", cursor: stamps[1]!, nonce: "2" });
  equal((await prune(kv, 3 * DAY, { ...RETENTION, bytes: 1 })).batches, 2);
  equal(await held(kv), ["2", "3", "4", "5"]);
  await commitShard(kv, 7, behind!, { owner: "b", cursor: stamps[5]!, nonce: "3" });
  await prune(kv, 3 * DAY, { ...RETENTION, bytes: 1 });
  equal(await held(kv), ["5"]);
});

testStores(
  "retention: nothing is pruned while there is a shard of another version: nobody knows what it has read",
  async (openKv) => {
    await using kv = await openKv();
    await commit(kv, 0, "old");
    const newest = await commit(kv, 1000, "new");
    for (let n = 0; n < 16; n++) await commitShard(kv, n, null, { owner: null, cursor: newest, nonce: "n" });
    await kv.set(["shard", 3], new TextEncoder().encode('{"v":2}'));
    equal((await prune(kv, 2 * DAY)).batches, 0);
    await kv.delete(["shard", 3]);
    equal((await prune(kv, 2 * DAY)).batches, 1);
  },
);

testStores("retention: bytes are counted on across runs, and each batch once", async (openKv) => {
  await using kv = await openKv();
  await commit(kv, 0, "a");
  const { bytes } = await prune(kv, 0);
  await commit(kv, 0, "b");
  equal((await prune(kv, 0)).bytes, bytes * 2);
  equal((await prune(kv, 0)).bytes, bytes * 2);
});

testStores(
  "retention: thousands of batches go in commits that KV accepts, and nothing is left but the newest",
  async (openKv) => {
    await using kv = await openKv();
    for (let n = 0; n < 1200; n++) {
      await commit(
        kv,
        0,
        `${n}`,
        n % 10 ? [] : Array.from({ length: 20 }, (_, i) => `${n}-${i}`),
      );
    }
    equal((await prune(kv, 2 * DAY)).batches, 1199);
    equal(await held(kv), ["1199"]);
    equal(await countKeys(kv), 5, "its batch, its jti, its record, the bell, the horizon");
  },
);

testStores("retention: two pruners at once remove each batch once, and count no byte twice", async (openKv) => {
  await using kv = await openKv();
  for (let n = 0; n < 50; n++) await commit(kv, 0, `${n}`);
  for (let n = 0; n < 5; n++) await commit(kv, 2 * DAY, `new ${n}`);
  await Promise.all([prune(kv, 2 * DAY), prune(kv, 2 * DAY), prune(kv, 2 * DAY)]);
  const { bytes } = await prune(kv, 2 * DAY);
  equal((await held(kv)).length, 5);
  equal(bytes, (await readAfter(kv, EARLIEST.versionstamp, 10)).reduce((sum, batch) => sum + batch.bytes, 0));
});

testStores("retention: a horizon that cannot be read is named, and is where the journal begins", async (openKv) => {
  for (const value of [null, "x", { pruned: 1 }, { pruned: "0", counted: "0", bytes: 0 }]) {
    await using kv = await openKv();
    const old = await commit(kv, 0, "old");
    await commit(kv, DAY, "new");
    await commit(kv, DAY, "newest");
    await prune(kv, DAY + 1000);
    await kv.set(["horizon"], value);
    const horizon = await readHorizon(kv);
    equal([horizon >= old, (await held(kv)).length], [true, 2]);
    const { unread, bytes } = await prune(kv, DAY + 1000);
    equal([unread, await readHorizon(kv)], [[["horizon"]], horizon]);
    equal(bytes, (await readAfter(kv, EARLIEST.versionstamp, 10)).reduce((sum, batch) => sum + batch.bytes, 0));
    equal((await prune(kv, 2 * DAY + 1000)).unread, []);
    equal(await held(kv), ["newest"]);
  }
});

testStores("retention: what a batch spent and cannot be read is named and stays, and the others go", async (openKv) => {
  await using kv = await openKv();
  const [broken, old] = [await commit(kv, 0, "broken"), await commit(kv, 0, "old")];
  await commit(kv, DAY, "newest");
  const many = { at: 0, bytes: 1, seen: Array.from({ length: 5_000 }, (_, n) => `${n}`), published: [] };
  for (const value of [null, { at: "0", bytes: 1, seen: [], published: [] }, many]) {
    await kv.set(["spent", broken], value);
    const { unread } = await prune(kv, 2 * DAY);
    ok(unread.length > 0 && unread.every((key) => key.join() === `spent,${broken}`));
  }
  equal([await held(kv), await readHorizon(kv)], [["broken", "newest"], old]);
});
