/** The wall clocks of two workers jump: leases, streams and deliveries go by a clock that does not. */
import { readShards } from "../../src/store/shards.ts";
import { component } from "../helpers/component.ts";
import { jumpingClock } from "../helpers/clock.ts";
import { openDatabaseServer } from "../helpers/database_server.ts";
import { openPushService } from "../helpers/push_service.ts";
import { startTraffic } from "../helpers/traffic.ts";
import { testWorker } from "../helpers/worker.ts";
import { equal } from "../helpers/assert.ts";
import { findDenokv } from "../../scripts/lib/denokv_install.ts";

const MINUTE = 60_000;

/** Milliseconds: more than a worker lets pass between two looks for shards whose owner has lapsed. */
const LOOKED = 5_500;

const test = await component("denokv", findDenokv);

test("clock: a minute forward at one worker and back at the other, and the reverse: no shard changes its owner, no stream ends", async () => {
  await using service = await openPushService();
  await using database = await openDatabaseServer();
  using kv = await Deno.openKv(database.url);
  const env = { CARILLON_PUSH_HOSTS: `127.0.0.1:${service.port}` };
  const [owner, other] = [jumpingClock(), jumpingClock()];
  const options = { env, kv, isShared: true, ca: service.ca };
  await using first = await testWorker({ ...options, clock: owner });
  await using second = await testWorker({ ...options, clock: other });
  const workers = [first, second];
  let turn = 0;
  await using traffic = await startTraffic({ local: first.local, any: () => workers[turn++ % 2]! }, service, {
    phones: 1,
  });
  await traffic.flow();
  while (!isShared(await ownersOf(kv))) await traffic.flow(20);
  const owners = await ownersOf(kv);
  for (const jump of [MINUTE, -2 * MINUTE]) {
    owner.jump(jump);
    other.jump(-jump);
    const since = performance.now();
    while (performance.now() - since < LOOKED) await traffic.flow(20);
    equal(await ownersOf(kv), owners);
  }
  for (const { metrics } of workers) equal((await metrics.streamsEnded.get()).values, []);
  await traffic.finish("a jumping clock");
  equal([...traffic.refusals.keys()], []);
});

/** Each worker has its half. */
function isShared(owners: (string | null | undefined)[]): boolean {
  const counts = Map.groupBy(owners, (owner) => owner);
  return counts.size === 2 && [...counts].every(([owner, shards]) => typeof owner === "string" && shards.length === 8);
}

async function ownersOf(kv: Deno.Kv): Promise<(string | null | undefined)[]> {
  return (await readShards(kv)).map(({ record }) => record?.owner);
}
