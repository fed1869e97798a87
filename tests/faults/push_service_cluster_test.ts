/** A push service that fails while its subscribers pass from one worker to another, who goes by what it said to the first. */
import { component } from "../helpers/component.ts";
import { type Cluster, openCluster, statusOf } from "../helpers/cluster.ts";
import { openDatabaseServer } from "../helpers/database_server.ts";
import { type Behaviour, openPushService, type TestSubscription } from "../helpers/push_service.ts";
import { changesTo, handOver } from "../helpers/subscriber.ts";
import { accessToken, ring } from "../helpers/worker.ts";
import { equal, ok } from "../helpers/assert.ts";
import { findDenokv } from "../../scripts/lib/denokv_install.ts";

const TOPIC = "https://dav.example/alice/work/";

/** Seconds that the push service wants to be left alone; longer than passing a shard on takes. */
const RETRY_AFTER = 7;

/** Milliseconds until the other worker has looked for shards that were given back, and tried what is due. */
const HANDED_OVER = 20_000;

const test = await component("denokv", findDenokv);

test("push service: its Retry-After and its 410 hold for the worker that takes over as well", async () => {
  await using service = await openPushService();
  await using database = await openDatabaseServer();
  await using cluster = await openCluster([database.url], await service.env());
  const owner = cluster.any();
  const [busy, gone] = [service.subscribe(), service.subscribe()];
  for (const phone of [busy, gone]) await subscribe(cluster, phone);
  await service.until(() => service.messages().length === 2);
  const worker = { url: (await cluster.add()).url, local: cluster.local };
  const later: Behaviour = { status: 429, headers: { "retry-after": `${RETRY_AFTER}` } };
  service.behave(later, { to: busy, times: 1 });
  service.unsubscribe(gone);
  await ring(worker, { topic: TOPIC, "sync-token": "1" });
  const asked = await service.until(() => service.requests.find(({ behaviour }) => behaviour === later));
  await service.until(() => service.refusals.length === 1);
  await cluster.leave(owner);
  await ring(worker, { topic: TOPIC, "sync-token": "2" });
  await service.until(() => service.messages(busy).length === 2, HANDED_OVER);
  equal(changesTo(service, busy).map((message) => message["sync-token"]), ["2"]);
  ok(service.messages(busy)[1]!.at - asked.at >= 1_000 * RETRY_AFTER - 50);
  equal(service.refusals.map(({ status }) => status), [410]);
  equal(cluster.broken(), []);
});

async function subscribe({ any, local }: Cluster, phone: TestSubscription): Promise<void> {
  const { url } = any();
  const authorization = `Bearer ${await accessToken({ url, local }, { subscribe: ["*"] })}`;
  const headers = { authorization, "content-type": "application/json" };
  const body = JSON.stringify(handOver(phone, [TOPIC], { maxDelay: 0 }));
  equal(await statusOf(`${url}/-/subscriptions`, { method: "POST", headers, body }), 201);
}
