/** A disk that is full: what cannot be stored is not acknowledged, in time, and all goes on when there is room again. */
import { component } from "../helpers/component.ts";
import { type Cluster, openCluster, readiness } from "../helpers/cluster.ts";
import { eventually } from "../helpers/eventually.ts";
import { openDatabaseServer } from "../helpers/database_server.ts";
import { openPushService, type PushService } from "../helpers/push_service.ts";
import { findSmallDisk, type SmallDisk } from "../helpers/small_disk.ts";
import { startTraffic } from "../helpers/traffic.ts";
import { equal } from "../helpers/assert.ts";
import { findDenokv } from "../../scripts/lib/denokv_install.ts";

const MEGABYTES = 8;

/** Milliseconds until the room that the database had kept is used up, and until everything flows again. */
const FILLED = 30_000;
const RECOVERY = 20_000;

const test = await component("the right to mount a small disk", findSmallDisk, { isRight: true });
const testServer = await component("denokv, or the right to mount a small disk", async () => {
  await findDenokv();
  return await findSmallDisk();
}, { isRight: true });

test("full disk: the embedded database stores nothing, and says so; then all goes on", async (mount) => {
  await using service = await openPushService();
  await using disk = await mount(MEGABYTES);
  await using cluster = await openCluster([`${disk.path}/carillon.sqlite3`], await service.env());
  await fillAndFree("embedded, full disk", { service, disk, cluster });
});

testServer("full disk: denokv stores nothing, and its workers say so; then all goes on", async (mount) => {
  await using service = await openPushService();
  await using disk = await mount(MEGABYTES);
  await using database = await openDatabaseServer(disk.path);
  await using cluster = await openCluster([database.url, database.url], await service.env());
  await fillAndFree("denokv, full disk", { service, disk, cluster });
});

type Scene = { service: PushService; disk: SmallDisk; cluster: Cluster };

async function fillAndFree(title: string, { service, disk, cluster }: Scene): Promise<void> {
  await using traffic = await startTraffic(cluster, service, { servers: 3, listeners: 2 });
  await traffic.flow(20);
  await disk.fill();
  await traffic.until(() => (traffic.refusals.get("503") ?? 0) >= 3, FILLED);
  // It can still be read, and listened to.
  for (const worker of cluster.live) equal(await readiness(worker), 200);
  const before = traffic.acknowledged.length;
  await disk.free();
  await eventually(
    "changes are acknowledged again",
    () => Promise.resolve(traffic.acknowledged.length > before),
    RECOVERY,
  );
  await traffic.flow(20, RECOVERY);
  await traffic.finish(title);
  equal([...traffic.refusals.keys()], ["503"]);
  equal(cluster.broken(), []);
}
