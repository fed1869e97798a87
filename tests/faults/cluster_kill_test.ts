/** kill -9 of any of three workers on one denokv, again and again, while changes come in and go out. */
import { component } from "../helpers/component.ts";
import { openCluster } from "../helpers/cluster.ts";
import { openDatabaseServer } from "../helpers/database_server.ts";
import { openPushService } from "../helpers/push_service.ts";
import { startTraffic } from "../helpers/traffic.ts";
import { equal, ok } from "../helpers/assert.ts";
import { findDenokv } from "../../scripts/lib/denokv_install.ts";

const WORKERS = 3;
const KILLS = 50;

/** Milliseconds between two kills, at most, beyond the time that a start takes. */
const MAX_LIFE = 250;

/** Which worker is killed, and when. */
const SEED = 7;

const test = await component("denokv", findDenokv);

test(`kill: of ${WORKERS} workers on one denokv, ${KILLS} are killed: nothing that was acknowledged is lost`, async () => {
  const random = seeded(SEED);
  await using service = await openPushService();
  await using database = await openDatabaseServer();
  await using cluster = await openCluster(Array(WORKERS).fill(database.url), await service.env());
  await using traffic = await startTraffic(cluster, service);
  await traffic.flow();
  for (let kill = 0; kill < KILLS; kill++) {
    await new Promise((resolve) => setTimeout(resolve, random() * MAX_LIFE));
    await cluster.replace(cluster.any(random));
    // Somebody must be there to take what comes.
    while (cluster.live.size < 2) await cluster.oneMore();
  }
  await cluster.settled();
  await traffic.flow();
  await traffic.finish(`${KILLS} kills of ${WORKERS} workers, seed ${SEED}`);
  ok(traffic.acknowledged.length > 10 * KILLS, `only ${traffic.acknowledged.length} were acknowledged`);
  equal([...traffic.refusals.keys()].filter((status) => !["undefined", "503"].includes(status)), []);
  equal(cluster.broken(), []);
});

/** Mulberry32: the same numbers for the same seed. */
function seeded(seed: number): () => number {
  return () => {
    seed = seed + 0x6d2b79f5 | 0;
    let mixed = Math.imul(seed ^ seed >>> 15, 1 | seed);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  };
}
