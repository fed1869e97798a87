import { createPace } from "../../src/broker/pace.ts";
import { createPublisher } from "../../src/broker/publish.ts";
import { readAfter } from "../../src/store/journal.ts";
import { EARLIEST } from "../../src/model/position.ts";
import { equal, ok, refuses } from "../helpers/assert.ts";
import { brokerDeps, change, faultyKv } from "../helpers/broker.ts";
import { manualClock } from "../helpers/clock.ts";
import { testStores } from "../helpers/stores.ts";

function publisherOn(kv: Deno.Kv, clock = manualClock(), embedded = true) {
  const deps = { ...brokerDeps(kv, clock), embedded };
  const pace = createPace(clock.elapsed);
  return {
    ...createPublisher({ ...deps, pace, committed: () => {}, position: () => undefined }),
    pace,
    metrics: deps.metrics,
  };
}

async function topics(kv: Deno.Kv): Promise<string[][]> {
  const batches = await readAfter(kv, EARLIEST.versionstamp, 1000);
  return batches.map(({ changes }) => changes!.map(({ topics }) => topics[0]!));
}

const set = (jti: string, topic = jti) => ({ changes: [change(topic)], jti: { iss: "tester", jti } });

testStores("publish: what arrives while a commit runs is committed together", async (openKv) => {
  await using kv = await openKv();
  const started = Promise.withResolvers<void>();
  const blocked = Promise.withResolvers<void>();
  const { publish } = publisherOn(
    faultyKv(kv, async (commit) => (started.resolve(), await blocked.promise, await commit())),
  );
  const first = publish({ changes: [change("a")] });
  await started.promise;
  const rest = ["b", "c", "d"].map((topic) => publish({ changes: [change(topic)] }));
  blocked.resolve();
  await Promise.all([first, ...rest]);
  equal(await topics(kv), [["a"], ["b", "c", "d"]]);
});

testStores("publish: whoever publishes the moment a commit ends is committed too", async (openKv) => {
  await using kv = await openKv();
  const { publish } = publisherOn(kv);
  for (let n = 0; n < 20; n++) await publish({ changes: [change(`${n}`)] });
  equal((await topics(kv)).length, 20);
});

testStores("publish: nine SETs at most share a commit, since KV Connect allows ten checks", async (openKv) => {
  await using kv = await openKv();
  const { publish } = publisherOn(kv);
  await Promise.all(Array.from({ length: 20 }, (_, n) => publish(set(`${n}`))));
  equal((await topics(kv)).map((batch) => batch.length), [9, 9, 2]);
});

for (const [embedded, count, expected] of [[true, 46, 1], [false, 46, 5], [false, 100, 8]] as const) {
  const where = embedded ? "on a file" : "over KV Connect";
  testStores(`publish: ${count} SETs at once, ${where}: commits under way: ${expected}`, async (openKv) => {
    await using kv = await openKv();
    const blocked = Promise.withResolvers<void>();
    let begun = 0;
    const blocking = faultyKv(kv, async (commit) => (begun++, await blocked.promise, await commit()));
    const { publish } = publisherOn(blocking, manualClock(), embedded);
    const published = Array.from({ length: count }, (_, n) => publish(set(`${n}`)));
    await new Promise((resolve) => setTimeout(resolve));
    equal(begun, expected);
    blocked.resolve();
    await Promise.all(published);
    equal((await topics(kv)).flat().length, count);
  });
}

testStores("publish: over KV Connect one that fails takes none of those beside it along", async (openKv) => {
  await using kv = await openKv();
  let begun = 0;
  const failing = faultyKv(kv, (commit) => ++begun === 2 ? Promise.reject(new Error("busy")) : commit());
  const { publish } = publisherOn(failing, manualClock(), false);
  const published = Array.from({ length: 27 }, (_, n) => publish(set(`${n}`)));
  const results = await Promise.allSettled(published);
  const codes = results.map((result) => result.status === "rejected" ? result.reason.code : "stored");
  equal(codes.slice(0, 18), [...Array(9).fill("stored"), ...Array(9).fill("kv_failed")]);
  equal((await topics(kv)).flat().length, codes.filter((code) => code === "stored").length);
});

testStores("publish: a batch stays under the size of a KV value", async (openKv) => {
  await using kv = await openKv();
  const { publish } = publisherOn(kv);
  const large = change("t", { data: "x".repeat(25_000) });
  await Promise.all(Array.from({ length: 5 }, () => publish({ changes: [large] })));
  equal((await topics(kv)).map((batch) => batch.length), [2, 2, 1]);
});

testStores("publish: ids name epoch, commit and place, in the order of the changes", async (openKv) => {
  await using kv = await openKv();
  const { publish } = publisherOn(kv);
  const ids = await publish({ changes: [change("a"), change("b", { id: "urn:b" }), change("c")] });
  const [batch] = await readAfter(kv, EARLIEST.versionstamp, 1);
  equal(ids, [`#epoch123.${batch!.versionstamp}.0`, "urn:b", `#epoch123.${batch!.versionstamp}.2`]);
});

testStores("publish: a known jti is no error and no second event, alone or beside fresh ones", async (openKv) => {
  await using kv = await openKv();
  const { publish, metrics } = publisherOn(kv);
  await publish(set("old"));
  equal(await publish(set("old")), []);
  await Promise.all([publish(set("first")), publish(set("old")), publish(set("new"))]);
  equal((await topics(kv)).flat().sort(), ["first", "new", "old"]);
  equal((await metrics.replayed.get()).values[0]?.value, 2);
});

testStores("publish: the same jti twice at once is one event", async (openKv) => {
  await using kv = await openKv();
  const { publish } = publisherOn(kv);
  await Promise.all([publish(set("x")), publish(set("x")), publish(set("y")), publish(set("y"))]);
  equal((await topics(kv)).flat(), ["x", "y"]);
});

testStores("publish: the same jti of two issuers is two events", async (openKv) => {
  await using kv = await openKv();
  const { publish } = publisherOn(kv);
  await publish(set("x"));
  await publish({ changes: [change("x")], jti: { iss: "another", jti: "x" } });
  equal((await topics(kv)).flat(), ["x", "x"]);
});

testStores("publish: a commit whose answer was lost and that is repeated is acknowledged, once", async (openKv) => {
  await using kv = await openKv();
  const twice = faultyKv(kv, async (commit) => (await commit(), await commit()));
  const { publish } = publisherOn(twice);
  const [ids, more] = await Promise.all([publish(set("a")), publish({ changes: [change("b"), change("c")] })]);
  equal(await topics(kv), [["a", "b", "c"]]);
  const [batch] = await readAfter(kv, EARLIEST.versionstamp, 1);
  equal([...ids, ...more], [0, 1, 2].map((index) => `#epoch123.${batch!.versionstamp}.${index}`));
});

testStores("publish: a zombie that lands late changes nothing, since its jti is known by then", async (openKv) => {
  await using kv = await openKv();
  const zombies: (() => Promise<unknown>)[] = [];
  let hang = true;
  const hanging = faultyKv(kv, (commit) => hang ? (zombies.push(commit), Promise.reject(new Error("lost"))) : commit());
  const { publish } = publisherOn(hanging);
  await refuses("kv_failed", () => publish(set("a")));
  hang = false;
  await publish(set("a"));
  for (const zombie of zombies) equal((await zombie() as Deno.KvCommitError).ok, false);
  equal(await topics(kv), [["a"]]);
});

testStores("publish: a database that fails acknowledges nothing, and works again afterwards", async (openKv) => {
  await using kv = await openKv();
  let broken = true;
  const { publish } = publisherOn(faultyKv(kv, (commit) => broken ? Promise.reject(new Error("disk full")) : commit()));
  const large = { data: "x".repeat(40_000) };
  const results = await Promise.allSettled(
    ["a", "b", "c"].map((topic) => publish({ changes: [change(topic, large)] })),
  );
  equal(results.map((r) => (r as PromiseRejectedResult).reason.code), ["kv_failed", "overloaded", "overloaded"]);
  broken = false;
  await publish({ changes: [change("d")] });
  equal(await topics(kv), [["d"]]);
});

testStores("publish: more than 8 MiB waiting is refused at once", async (openKv) => {
  await using kv = await openKv();
  const blocked = Promise.withResolvers<void>();
  const { publish } = publisherOn(faultyKv(kv, async (commit) => (await blocked.promise, await commit())));
  const large = { changes: [change("t", { data: "x".repeat(48_000) })] };
  const accepted: Promise<unknown>[] = [];
  await refuses("overloaded", () => {
    while (accepted.length < 300) accepted.push(publish(large));
  });
  ok(accepted.length > 150);
  blocked.resolve();
  await Promise.all(accepted);
  equal((await topics(kv)).flat().length, accepted.length);
});

testStores("publish: an event over 48 KiB is too large, and nothing of its SET is stored", async (openKv) => {
  await using kv = await openKv();
  const { publish } = publisherOn(kv);
  await refuses("too_large", () => publish({ changes: [change("a"), change("t", { data: "x".repeat(49_152) })] }));
  equal(await topics(kv), []);
});

testStores("publish: a writer among others lingers to its share of 200 commits a second", async (openKv) => {
  await using kv = await openKv();
  const clock = manualClock();
  const { publish, pace, drain } = publisherOn(kv, clock);
  for (let n = 0; n < 100; n++) pace.committed();
  pace.followed(800);
  clock.advance(1000);
  await publish(set("first"));
  const waiting = publish(set("second"));
  await new Promise((resolve) => setTimeout(resolve));
  equal([clock.waiting, (await topics(kv)).length], [1, 1]);
  clock.advance(40);
  await waiting;
  await drain();
  equal((await topics(kv)).length, 2);
});

testStores("publish: a full batch never lingers", async (openKv) => {
  await using kv = await openKv();
  const clock = manualClock();
  const { publish, pace } = publisherOn(kv, clock);
  for (let n = 0; n < 100; n++) pace.committed();
  pace.followed(800);
  clock.advance(1000);
  await publish(set("first"));
  const many = Array.from({ length: 10 }, (_, n) => publish(set(`${n}`)));
  await Promise.race(many);
  equal((await topics(kv)).map((batch) => batch.length), [1, 9]);
  clock.advance(100);
  await Promise.all(many);
});

testStores(
  "publish: a commit that hangs is unknown, what waits is refused, and the repetition is stored once",
  async (openKv) => {
    await using kv = await openKv();
    const hung: (() => Promise<unknown>)[] = [];
    let hangs = true;
    const { publish } = publisherOn(
      faultyKv(kv, (commit) => hangs ? (hung.push(commit), new Promise(() => {})) : commit()),
    );
    const first = refuses("kv_timeout", () => publish(set("a")));
    while (hung.length === 0) await new Promise((resolve) => setTimeout(resolve));
    const second = refuses("overloaded", () => publish(set("b")));
    await Promise.all([first, second]);
    hangs = false;
    for (const zombie of hung) await zombie();
    equal([await publish(set("a")), (await publish(set("b"))).length], [[], 1]);
    equal(await topics(kv), [["a"], ["b"]]);
  },
);

for (const jump of [-600_000, 600_000]) {
  testStores(`publish: a wall clock that jumps by ${jump / 1000} seconds changes no pause`, async (openKv) => {
    await using kv = await openKv();
    const clock = manualClock();
    const { publish, pace } = publisherOn(kv, clock);
    await publish({ changes: [change("a")] });
    await new Promise((resolve) => setTimeout(resolve));
    // Others commit a lot: this one keeps to its share, five seconds.
    pace.followed(1_000);
    clock.advance(1_000);
    clock.jump(jump);
    const published = publish({ changes: [change("b")] });
    equal(clock.waiting, 1);
    clock.advance(4_000);
    equal((await published).length, 1);
  });
}
