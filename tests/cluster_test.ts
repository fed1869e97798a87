/** Several real workers on one real denokv behind a real nginx, as `deno task cluster` starts them. */
import { type Cluster, startCluster } from "../scripts/lib/cluster.ts";
import { findDenokv } from "../scripts/lib/denokv_install.ts";
import { startWorker } from "../scripts/lib/worker.ts";
import { equal, ok } from "./helpers/assert.ts";
import { statusOf } from "./helpers/cluster.ts";
import { component } from "./helpers/component.ts";
import { enter } from "./helpers/database_server.ts";
import { findFront, nginx } from "./helpers/front.ts";
import { localIssuerOf } from "./helpers/main_process.ts";
import { openPushService, type TestSubscription } from "./helpers/push_service.ts";
import { listen, push, subscribe } from "./helpers/push_resource.ts";
import { createStreamChain } from "./helpers/stream_chain.ts";
import { accessToken, securityEvent } from "./helpers/worker.ts";

const HUB = "/.well-known/mercure";
const END = "the end";

/** Milliseconds: Deploy gives five seconds to leave. */
const SOON = 4_000;

const test = await component("denokv behind nginx", async () => [await findDenokv(), await findFront(nginx)]);

/** A cluster whose folder goes with it, and who signs for it. */
async function openCluster(count: number, settings: Record<string, string> = {}) {
  enter();
  const things = new AsyncDisposableStack(), folder = await Deno.makeTempDir({ prefix: "carillon-cluster-" });
  things.defer(() => Deno.remove(folder, { recursive: true }));
  const cluster: Cluster = things.use(await startCluster(folder, count, settings));
  const signer = { url: cluster.url, local: await localIssuerOf(cluster.denokv.url) };
  return { ...cluster, signer, [Symbol.asyncDispose]: () => things.disposeAsync() };
}

type Signer = Parameters<typeof securityEvent>[0];

/** Sends a change, known by its sync-token, to a worker, or to the front, until it is taken. */
async function tell(url: string, signer: Signer, topic: string, token: string): Promise<void> {
  const headers = { "content-type": "application/secevent+jwt" };
  const body = await securityEvent(signer, [{ topic, "sync-token": token }]);
  while (await statusOf(`${url}/-/events`, { method: "POST", headers, body }) !== 202);
}

/** Reads from the beginning to the end, however often its stream is closed; answers what came, in order. */
async function readAll(url: string, { url: audience, local }: Signer): Promise<string[]> {
  const done = new AbortController();
  const chain = createStreamChain({ local, any: () => ({ url: audience, hub: url + HUB }) }, () => {
    if (chain.tokens.at(-1) === END) done.abort();
  });
  await chain.run(done.signal);
  equal(chain.strange, []);
  return chain.tokens;
}

/** Subscribes a device to a topic. */
async function subscribeAt(url: string, token: string, device: TestSubscription, topic: string): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const body = JSON.stringify({ endpoint: device.address, keys: device.keys, topics: [topic] });
  const response = await fetch(`${url}/-/subscriptions`, { method: "POST", headers, body });
  await response.body?.cancel();
  equal(response.status, 201);
}

test("cluster: what is published anywhere reaches every stream everywhere, once, in one order", async () => {
  await using cluster = await openCluster(3);
  const { signer, workers, url } = cluster;
  const reading = [url, ...workers.map(({ url }) => url)].map((each) => readAll(each, signer));
  const topics = Array.from({ length: 90 }, (_, n) => `t/${n}`);
  await Promise.all(topics.map((topic, n) => tell(workers[n % 3]!.url, signer, topic, topic)));
  await tell(url, signer, "t", END);
  const [first, ...others] = await Promise.all(reading);
  equal([first!.length, new Set(first).size], [91, 91]);
  for (const other of others) equal(other, first);
});

test("cluster: who subscribed anywhere is told of what is published anywhere", async () => {
  await using service = await openPushService();
  await using cluster = await openCluster(3, await service.env());
  const { signer, workers, url } = cluster;
  const token = await accessToken(signer, { subscribe: ["*"] });
  const devices = [];
  for (const { url } of workers) {
    const device = service.subscribe();
    await subscribeAt(url, token, device, "t");
    devices.push(device);
  }
  await service.until(() => service.requests.length === 3);
  for (const [n, { url }] of workers.entries()) await tell(url, signer, `u/${n}`, "nothing to them");
  await tell(workers[1]!.url, signer, "t", "first");
  await service.until(() => service.requests.length === 6);
  equal(new Set(service.requests.slice(3).map(({ path }) => path)), new Set(devices.map(({ path }) => path)));
  ok(url !== workers[0]!.url);
});

test("cluster: a message that one worker's push service took reaches its reader at any other, once", async () => {
  await using cluster = await openCluster(3);
  const { signer, workers } = cluster;
  const at = (worker: number, address: string) => workers[worker]!.url + new URL(address).pathname;
  const made = await subscribe(signer);
  await using reader = await listen(at(1, made.subscription));
  const texts = Array.from({ length: 60 }, (_, n) => `${n}`);
  for (const [n, text] of texts.entries()) equal((await push(at(n % 3, made.push), text)).status, 201);
  await reader.until(() => reader.events.length === 60);
  equal(reader.texts(), texts);
  const last = reader.told()[29]!;
  await using again = await listen(at(2, made.subscription), { query: `last_event_id=${last.id}` });
  await again.until(() => again.events.length === 30);
  equal(again.texts(), texts.slice(30));
});

test("cluster: a rolling restart under load loses nothing, and no stream sees a gap or a duplicate", async () => {
  await using cluster = await openCluster(3);
  const { signer, workers, url, env } = cluster, told: string[] = [];
  const reading = Array.from({ length: 6 }, () => readAll(url, signer));
  let isOver = false;
  const publishing = [0, 1, 2, 3].map(async (name) => {
    for (let n = 0; !isOver; n++) {
      await tell(url, signer, `t/${name}`, `${name}-${n}`);
      told.push(`${name}-${n}`);
    }
  });
  await using fresh = new AsyncDisposableStack();
  for (const worker of workers) {
    const before = told.length, since = performance.now();
    equal((await worker.end("SIGTERM")).code, 0);
    ok(performance.now() - since < SOON);
    fresh.use(await startWorker({ ...env, PORT: new URL(worker.url).port }));
    ok(told.length > before, "nothing was published meanwhile");
  }
  isOver = true;
  await Promise.all(publishing);
  await tell(url, signer, "t", END);
  const [first, ...others] = await Promise.all(reading);
  console.log(`rolling restart: acknowledged ${told.length}, read by each of 6 streams ${first!.length - 1}`);
  equal(first!.toSorted(), [...told, END].toSorted());
  for (const other of others) equal(other, first);
});
