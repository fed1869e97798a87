/** kill -9 of denokv under three workers: they wait, say so, and go on by themselves when it is back. */
import { component } from "../helpers/component.ts";
import { openCluster, readiness } from "../helpers/cluster.ts";
import { eventually } from "../helpers/eventually.ts";
import { openDatabaseServer } from "../helpers/database_server.ts";
import { openPushService } from "../helpers/push_service.ts";
import { startTraffic } from "../helpers/traffic.ts";
import { equal, ok } from "../helpers/assert.ts";
import { findDenokv } from "../../scripts/lib/denokv_install.ts";

const WORKERS = 3;

/** Milliseconds until everything flows again: the client of KV Connect itself rests for up to ten seconds. */
const RECOVERY = 15_000;

const test = await component("denokv", findDenokv);

test("denokv: it is killed at random moments, and started again: nothing that was acknowledged is lost", async () => {
  await using service = await openPushService();
  await using database = await openDatabaseServer();
  await using cluster = await openCluster(Array(WORKERS).fill(database.url), await service.env());
  await using traffic = await startTraffic(cluster, service);
  for (let kill = 0; kill < 8; kill++) {
    await traffic.flow(10, RECOVERY);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 100));
    await database.kill();
    await database.start();
  }
  await traffic.finish("8 kills of denokv");
  equal(cluster.broken(), []);
});

test("denokv: while it is away no worker is ready, and nothing is acknowledged; then all goes on by itself", async () => {
  await using service = await openPushService();
  await using database = await openDatabaseServer();
  await using cluster = await openCluster(Array(WORKERS).fill(database.url), await service.env());
  await using traffic = await startTraffic(cluster, service);
  await traffic.flow(20);
  await database.kill();
  equal(await Promise.all([...cluster.live].map(readiness)), Array(WORKERS).fill(503));
  const before = traffic.acknowledged.length;
  await traffic.until(() => traffic.refusals.has("503"));
  equal(traffic.acknowledged.length, before);
  equal([...traffic.refusals.keys()], ["503"]);
  await database.start();
  const since = performance.now();
  await eventually(
    "all are ready",
    async () => (await Promise.all([...cluster.live].map(readiness))).every((s) => s === 200),
  );
  await traffic.flow(20, RECOVERY);
  ok(performance.now() - since < RECOVERY);
  await traffic.finish("denokv away for 8 s");
  equal(cluster.broken(), []);
});
