/** A worker that is told to leave in the middle of its deliveries: it writes down what is left, and gives its shards back. */
import { readShards } from "../../src/store/shards.ts";
import { equal, ok } from "../helpers/assert.ts";
import { makePlace } from "../helpers/main_database.ts";
import { openPushService } from "../helpers/push_service.ts";
import { storeSubscriptions } from "../helpers/stored_subscriptions.ts";
import { ring } from "../helpers/worker.ts";

const TOPIC = "https://dav.example/alice/work/";
const SUBSCRIBERS = 400;

/** Milliseconds: Deploy gives five seconds. */
const SOON = 4_500;

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`leave: on ${signal} shards are given back, while the push service hangs, and the next worker goes on`, async () => {
    await using service = await openPushService();
    await using place = await makePlace(await service.env());
    await storeSubscriptions(place.path, service, { topic: TOPIC, count: SUBSCRIBERS });
    const first = await place.start();
    const resume = await hangAfter(service, 100, async () => {
      await ring({ url: first.url, local: await place.localIssuer() }, { topic: TOPIC, "sync-token": "1" });
    });
    const since = performance.now();
    equal((await first.end(signal)).code, 0);
    ok(performance.now() - since < SOON);
    equal(await owners(place.path), Array(16).fill(null));
    resume();
    const taken = service.requests.length;
    await using _second = await place.start();
    const told = () => new Set(service.requests.map(({ path }) => path));
    await service.until(() => told().size === SUBSCRIBERS, 60_000);
    // What was under way when the first one left is sent again, and nothing else.
    ok(service.requests.length <= SUBSCRIBERS + 80, `${taken} ${service.requests.length}`);
  });
}

/** Lets so many messages through, and holds the rest until the answer is called. */
async function hangAfter(
  service: Awaited<ReturnType<typeof openPushService>>,
  count: number,
  start: () => Promise<void>,
) {
  await start();
  await service.until(() => service.requests.length >= count, 30_000);
  const resume = service.pause();
  await service.until(() => service.load.inFlight >= 60, 30_000);
  return resume;
}

async function owners(path: string): Promise<(string | null)[]> {
  using kv = await Deno.openKv(path);
  return (await readShards(kv)).map(({ record }) => record!.owner);
}
