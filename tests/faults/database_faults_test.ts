/** A database that fails in every way that a network knows, for one of two workers: nothing that was acknowledged is lost. */
import { component } from "../helpers/component.ts";
import { type Cluster, metricOf, openCluster, readiness } from "../helpers/cluster.ts";
import { eventually } from "../helpers/eventually.ts";
import { openDatabaseServer } from "../helpers/database_server.ts";
import { type Fault, type FaultProxy, openFaultProxy } from "../helpers/fault_proxy.ts";
import type { MainProcess } from "../helpers/main_process.ts";
import { openPushService } from "../helpers/push_service.ts";
import { startTraffic, type Traffic } from "../helpers/traffic.ts";
import { equal, ok } from "../helpers/assert.ts";
import { findDenokv } from "../../scripts/lib/denokv_install.ts";

/**
 * Milliseconds until everything flows again: the client of KV Connect itself rests for up to ten seconds, and a call that
 * was never answered takes eight.
 */
const RECOVERY = 30_000;

/** Milliseconds in which forty changes get through while every other call fails: some of those take eight seconds. */
const THROUGH_FAULTS = 45_000;

/** Milliseconds until an owner has lapsed and another worker has looked, with room for a slow machine. */
const TAKEN_OVER = 45_000;

type Scene = { proxy: FaultProxy; cluster: Cluster; traffic: Traffic; faulty: MainProcess; sound: MainProcess };

const test = await component("denokv", findDenokv);

/** Two workers on one denokv, the first by the proxy; traffic before, in and after what the test does to it. */
function scene(title: string, run: (scene: Scene) => Promise<void>): void {
  test(`database: ${title}`, async () => {
    await using service = await openPushService();
    await using database = await openDatabaseServer();
    await using proxy = await openFaultProxy(database.url);
    await using cluster = await openCluster([proxy.url, database.url], await service.env());
    await using traffic = await startTraffic(cluster, service, { servers: 4, listeners: 4 });
    const [faulty, sound] = cluster.workers as [MainProcess, MainProcess];
    await traffic.flow(20);
    await run({ proxy, cluster, traffic, faulty, sound });
    proxy.recover();
    await eventually("both are ready", async () => await readiness(faulty) === 200 && await readiness(sound) === 200);
    await traffic.flow(20, RECOVERY);
    await traffic.finish(title);
    equal([...traffic.refusals.keys()].filter((status) => status !== "503"), []);
    equal(cluster.broken(), []);
  });
}

scene("calls hang until the other worker has all shards, and land then, behind everything", async (scene) => {
  const { proxy, traffic, faulty, sound } = scene;
  const writes = proxy.seen.atomic_write;
  proxy.fail("hold");
  equal([await readiness(faulty), await readiness(sound)], [503, 200]);
  ok(proxy.seen.atomic_write > writes);
  await traffic.until(() => traffic.refusals.has("503"));
  await eventually(
    "all shards are taken",
    async () => await metricOf(sound, "carillon_shards_owned") === 16,
    TAKEN_OVER,
  );
});

scene("calls are never answered, not even when it is over", async ({ proxy, traffic, faulty, sound }) => {
  proxy.fail("swallow");
  equal([await readiness(faulty), await readiness(sound)], [503, 200]);
  await traffic.until(() => traffic.refusals.has("503"));
});

scene("500 to everything", async ({ proxy, traffic, faulty, sound }) => {
  proxy.fail({ status: 500 });
  equal([await readiness(faulty), await readiness(sound)], [503, 200]);
  await traffic.until(() => traffic.refusals.has("503"));
});

scene("400 to everything, which ends watches, and no storm of calls", async ({ proxy, traffic, faulty, sound }) => {
  proxy.fail({ status: 400 });
  proxy.disconnect();
  equal([await readiness(faulty), await readiness(sound)], [503, 200]);
  await traffic.until(() => traffic.refusals.has("503"));
  const since = performance.now(), watches = proxy.seen.watch;
  // A worker has two: for the journal, and for the push service.
  await proxy.until(() => proxy.seen.watch >= watches + 6);
  ok(performance.now() - since > 1_500, "a watch that ended is tried again once a second");
});

scene("commits are done, and their connection breaks before the answer", async ({ proxy, traffic, faulty }) => {
  for (let breaks = 0; breaks < 10; breaks++) {
    const seen = proxy.seen.atomic_write;
    proxy.fail("drop", "atomic_write");
    await proxy.until(() => proxy.seen.atomic_write > seen);
    proxy.recover();
    await traffic.flow(4);
  }
  equal(await readiness(faulty), 200);
});

scene("watches are half open", async ({ proxy, traffic, faulty }) => {
  proxy.fail("deaf", "watch");
  await traffic.flow(60);
  equal(await readiness(faulty), 200);
});

scene("calls are slow, and overtake each other", async ({ proxy, traffic, faulty }) => {
  proxy.fail({ delay: 400 });
  await traffic.flow(60);
  equal(await readiness(faulty), 200);
});

scene("anything at any moment", async ({ proxy, traffic }) => {
  const all: Fault[] = ["hold", "drop", "cut", "short", { status: 500 }, { status: 400 }, { delay: 500 }];
  proxy.fail(() => Math.random() < 0.5 ? all[Math.floor(Math.random() * all.length)] : undefined);
  await traffic.flow(40, THROUGH_FAULTS);
});

for (const cut of ["cut", "short"] as const) {
  scene(`answers end in the middle: ${cut}`, async ({ proxy, traffic, faulty, sound }) => {
    const writes = proxy.seen.atomic_write;
    proxy.fail(cut, "atomic_write", "snapshot_read");
    equal([await readiness(faulty), await readiness(sound)], [503, 200]);
    await proxy.until(() => proxy.seen.atomic_write > writes + 2);
    await traffic.until(() => traffic.acknowledged.length > 60);
  });
}
