/** A worker that is told to leave: it writes down what is left of its deliveries, gives its shards back, ends its streams. */
import { readShards } from "../../src/store/shards.ts";
import { findDenokv } from "../../scripts/lib/denokv_install.ts";
import { equal, ok } from "../helpers/assert.ts";
import { openCluster } from "../helpers/cluster.ts";
import { component } from "../helpers/component.ts";
import { openDatabaseServer } from "../helpers/database_server.ts";
import { openFaultProxy } from "../helpers/fault_proxy.ts";
import { makePlace } from "../helpers/main_database.ts";
import { openPushService } from "../helpers/push_service.ts";
import { storeSubscriptions } from "../helpers/stored_subscriptions.ts";
import { accessToken, ring } from "../helpers/worker.ts";

const TOPIC = "https://dav.example/alice/work/";
const SUBSCRIBERS = 400;
const STREAMS = 5_000;

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

const withDenokv = await component("denokv", findDenokv);

withDenokv("leave: a database that is silent keeps nobody, and what it held was not acknowledged", async () => {
  await using database = await openDatabaseServer();
  await using proxy = await openFaultProxy(database.url);
  await using cluster = await openCluster([proxy.url]);
  const [worker] = cluster.workers, at = { url: worker!.url, local: cluster.local };
  await ring(at, { topic: TOPIC, "sync-token": "1" });
  proxy.fail("hold");
  const second = ring(at, { topic: TOPIC, "sync-token": "2" }).then(() => "acknowledged", () => "not");
  const since = performance.now();
  Deno.kill(worker!.pid, "SIGTERM");
  equal((await worker!.ended).code, 0);
  ok(performance.now() - since < 10_000);
  equal(await second, "not");
});

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

/** A stream over a bare connection: thousands of them are open at once. */
async function openBare(url: string, token: string): Promise<Deno.Conn> {
  const { hostname, port } = new URL(url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const lines = ["GET /.well-known/mercure?match=t HTTP/1.1", "Host: localhost", `Authorization: Bearer ${token}`];
  await connection.write(new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`));
  await connection.read(new Uint8Array(1024));
  return connection;
}

/** What comes until the connection is closed. */
const restOf = (connection: Deno.Conn) => new Response(connection.readable).text();

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`leave: on ${signal} ${STREAMS} streams are told when to come back, and end`, async () => {
    await using place = await makePlace({ CARILLON_MAX_SUBJECT_STREAMS: `${STREAMS}` });
    const main = await place.start();
    const worker = { url: main.url, local: await place.localIssuer() };
    const token = await accessToken(worker, { subscribe: ["*"] });
    const streams: Deno.Conn[] = [];
    for (let batch = 0; batch < STREAMS / 100; batch++) {
      streams.push(...await Promise.all(Array.from({ length: 100 }, () => openBare(main.url, token))));
    }
    const reading = streams.map(restOf), ringing = ring(worker, { topic: "t", data: "the last" });
    const since = performance.now();
    await ringing;
    equal((await main.end(signal)).code, 0);
    ok(performance.now() - since < 4_000, `${performance.now() - since}`);
    const texts = await Promise.all(reading);
    equal(texts.filter((text) => text.includes("the last") && /retry: \d{4}\n/.test(text)).length, STREAMS);
    const retries = new Set(texts.map((text) => /retry: (\d+)/.exec(text)![1]));
    ok(retries.size > 100, `${retries.size}`);
  });
}
