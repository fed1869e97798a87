import { createLease } from "../../../src/broker/deliver/lease.ts";
import { commitShard, type Mutation, readShards } from "../../../src/store/shards.ts";
import { equal, ok } from "../../helpers/assert.ts";
import { faultyKv } from "../../helpers/broker.ts";
import { manualClock } from "../../helpers/clock.ts";
import { testStores } from "../../helpers/stores.ts";

const RECORD = { owner: "me", cursor: "1".padStart(20, "0"), nonce: "first" };

async function leaseOn(kv: Deno.Kv, under = kv) {
  const versionstamp = await commitShard(kv, 3, null, RECORD);
  const clock = manualClock();
  const lease = createLease({
    kv: under,
    clock,
    worker: "me",
    shard: 3,
    versionstamp: versionstamp!,
    cursor: RECORD.cursor,
  });
  return { lease, clock };
}

const sets = (count: number, bytes = 10): Mutation[] =>
  Array.from({ length: count }, (_, index) => ({ key: ["window", 3, `${index}`], value: new Uint8Array(bytes) }));

function snapshot(mutations: Mutation[], cursor = "2".padStart(20, "0")) {
  let done = 0;
  return { take: () => ({ cursor, mutations, done: () => void done++ }), isDone: () => done };
}

async function count(kv: Deno.Kv): Promise<number> {
  return (await Array.fromAsync(kv.list({ prefix: ["window"] }))).length;
}

const record = async (kv: Deno.Kv) => (await readShards(kv))[3]!.record!;

testStores("lease: a snapshot is written with the cursor, and renews", async (openKv) => {
  await using kv = await openKv();
  const { lease, clock } = await leaseOn(kv);
  clock.advance(7_000);
  equal(lease.age(), 7_000);
  const { take, isDone } = snapshot(sets(3));
  await lease.write(take);
  equal([await count(kv), (await record(kv)).cursor, lease.cursor(), lease.age(), isDone()], [
    3,
    "2".padStart(20, "0"),
    "2".padStart(20, "0"),
    0,
    1,
  ]);
});

testStores(
  "lease: what is too much for one commit takes several, and the cursor moves with the last",
  async (openKv) => {
    await using kv = await openKv();
    const cursors: string[] = [];
    const counting = faultyKv(kv, async (commit) => {
      const result = await commit();
      cursors.push((await record(kv)).cursor.at(-1)!);
      return result;
    });
    const { lease } = await leaseOn(kv, counting);
    await lease.write(snapshot(sets(1_500)).take);
    equal([await count(kv), cursors], [1_500, ["1", "1", "1", "2"]]);
    cursors.length = 0;
    await lease.write(snapshot(sets(30, 60_000), "3".padStart(20, "0")).take);
    ok(cursors.length >= 4 && cursors.at(-1) === "3");
  },
);

testStores("lease: a commit whose answer was lost and that is repeated is ours", async (openKv) => {
  await using kv = await openKv();
  const { lease } = await leaseOn(kv, faultyKv(kv, async (commit) => (await commit(), await commit())));
  await lease.write(snapshot(sets(2)).take);
  await lease.write(snapshot(sets(4)).take);
  equal([await count(kv), lease.lost.aborted], [4, false]);
});

testStores(
  "lease: a write whose outcome is unknown is repeated before anything else, and lands once",
  async (openKv) => {
    await using kv = await openKv();
    const zombies: (() => Promise<unknown>)[] = [];
    let lose = true;
    const losing = faultyKv(
      kv,
      (commit) => lose ? (zombies.push(commit), Promise.reject(new Error("lost"))) : commit(),
    );
    const { lease } = await leaseOn(kv, losing);
    const first = snapshot(sets(1));
    await lease.write(first.take).catch(() => {});
    equal(first.isDone(), 0);
    lose = false;
    const second = snapshot([{ key: ["window", 3, "second"], value: 1 }], "3".padStart(20, "0"));
    await lease.write(second.take);
    for (const zombie of zombies) {
      equal((await zombie() as Deno.KvCommitError).ok, false);
    }
    equal([first.isDone(), second.isDone(), await count(kv), (await record(kv)).cursor.at(-1)], [1, 1, 2, "3"]);
  },
);

testStores("lease: a zombie that lands first is found to be ours", async (openKv) => {
  await using kv = await openKv();
  let zombie: (() => Promise<unknown>) | undefined;
  const losing = faultyKv(kv, (commit) => zombie ? commit() : (zombie = commit, Promise.reject(new Error("lost"))));
  const { lease } = await leaseOn(kv, losing);
  const { take, isDone } = snapshot(sets(1));
  await lease.write(take).catch(() => {});
  equal((await zombie!() as Deno.KvCommitResult).ok, true);
  await lease.write(snapshot(sets(2)).take);
  equal([isDone(), await count(kv), lease.lost.aborted], [1, 2, false]);
});

testStores("lease: whoever lost it writes nothing ever again", async (openKv) => {
  await using kv = await openKv();
  const { lease } = await leaseOn(kv);
  const [, , , state] = await readShards(kv);
  await commitShard(kv, 3, state!.versionstamp, { ...RECORD, owner: "another", nonce: "theirs" });
  const { take, isDone } = snapshot(sets(2));
  let thrown: unknown;
  await lease.write(take).catch((error) => void (thrown = error));
  await lease.write(take).catch(() => {});
  ok(thrown instanceof Error);
  equal([lease.lost.aborted, isDone(), await count(kv), (await record(kv)).owner], [true, 0, 0, "another"]);
});

testStores("lease: two writes at once come one after the other, and none drops a part of the other", async (openKv) => {
  await using kv = await openKv();
  const { lease } = await leaseOn(kv);
  const [first, second] = [snapshot(sets(1_500)), snapshot([{ key: ["window", 3, "second"], value: 1 }])];
  await Promise.all([lease.write(first.take), lease.write(second.take), lease.write(first.take)]);
  equal([await count(kv), first.isDone(), second.isDone(), lease.lost.aborted], [1_501, 2, 1, false]);
});

testStores("lease: it is given back with the last part, and nothing is written after it", async (openKv) => {
  await using kv = await openKv();
  const owners: (string | null)[] = [];
  const watched = faultyKv(kv, async (commit) => {
    const result = await commit();
    owners.push((await record(kv)).owner);
    return result;
  });
  const { lease } = await leaseOn(kv, watched);
  const [last, late] = [snapshot(sets(900)), snapshot(sets(1), "9".padStart(20, "0"))];
  const results = await Promise.allSettled([lease.write(last.take, null), lease.write(late.take)]);
  equal(results.map(({ status }) => status), ["fulfilled", "rejected"]);
  equal([owners, await count(kv), late.isDone()], [["me", "me", null], 900, 0]);
});
