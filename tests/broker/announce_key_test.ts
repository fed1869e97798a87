import { announceKey } from "../../src/broker/announce_key.ts";
import { findSubscription, findSubscriptions } from "../../src/store/subscriptions.ts";
import type { Outcome } from "../../src/model/delivery.ts";
import type { Subscription } from "../../src/model/subscription.ts";
import { equal, ok } from "../helpers/assert.ts";
import { manualClock } from "../helpers/clock.ts";
import { contentChange, createEngine, subscribe, subscription } from "../helpers/engine.ts";
import { brokerDeps } from "../helpers/broker.ts";
import { testStores } from "../helpers/stores.ts";

const OLD = "old key", NEW = "new key", DAY = 86_400_000;
const dav = (id: string, more: Partial<Subscription> = {}) =>
  subscription(id, [`topic of ${id}`], { protocol: "webdav-push", vapidKey: OLD, ...more });

/** The ids of those that wait for a push. */
async function waiting(kv: Deno.Kv): Promise<string[]> {
  const entries = await Array.fromAsync(kv.list({ prefix: ["initial"] }));
  return entries.map(({ key }) => String(key[3]).replaceAll("_", "")).sort();
}

testStores(
  "announce key: who registered by WebDAV-Push with another key is told, each address once",
  async (openKv) => {
    await using kv = await openKv();
    const clock = manualClock(), now = clock.now();
    for (const each of [dav("a"), dav("b", { address: "https://push.example/b" }), dav("c", { vapidKey: NEW })]) {
      await subscribe(kv, each);
    }
    await subscribe(kv, dav("d", { address: "https://push.example/a" }));
    await subscribe(kv, dav("e"), { attempt: 3, at: now, until: now + 5 });
    await subscribe(kv, subscription("f", ["t"], { vapidKey: OLD }));
    await announceKey({ ...brokerDeps(kv, clock), vapidKey: NEW });
    // `e` waited before, since it is not confirmed.
    equal(await waiting(kv), ["a", "b", "e"]);
    const { initial, subscription: kept } = (await findSubscription(kv, dav("a").id)).kept!;
    equal([initial, kept.confirmed], [{ attempt: 0, at: now, until: now + DAY }, true]);
  },
);

testStores("announce key: it is said once for each key, and goes on where it stopped", async (openKv) => {
  await using kv = await openKv();
  const clock = manualClock();
  const ids = Array.from({ length: 450 }, (_, n) => `${n}`.padStart(4, "0"));
  await Promise.all(ids.map((id) => subscribe(kv, dav(id))));
  await announceKey({ ...brokerDeps(kv, clock), vapidKey: NEW });
  equal(await waiting(kv), ids);
  const found = await findSubscriptions(kv, ids.map((id) => dav(id).id));
  equal(found.every(({ kept }) => kept?.initial !== undefined), true);
  await subscribe(kv, dav("zz"));
  await announceKey({ ...brokerDeps(kv, clock), vapidKey: NEW });
  equal((await waiting(kv)).includes("zz"), false);
  await announceKey({ ...brokerDeps(kv, clock), vapidKey: "a third" });
  equal((await waiting(kv)).includes("zz"), true);
});

for (const [answer, isKept] of [["delivered", true], ["rejected", true], ["gone", false]] as const) {
  testStores(
    `announce key: an answer of ${answer} ${isKept ? "leaves" : "ends"} the registration, told by its own key`,
    async (openKv) => {
      await using kv = await openKv();
      const a = dav("a");
      await subscribe(kv, a);
      const outcome = ({ message }: { message: unknown }): Outcome | undefined =>
        message ? undefined : { kind: answer };
      const engine = createEngine(kv, { answer: outcome });
      await engine.start();
      await announceKey({ ...brokerDeps(kv, engine.clock), vapidKey: NEW });
      await engine.adopt();
      await engine.pass(10_000);
      equal(engine.sent.map(({ topic, delivery }) => [topic, delivery.subscriber.vapidKey]), [[undefined, OLD]]);
      const { kept } = await findSubscription(kv, a.id);
      equal([kept?.initial, kept?.subscription.confirmed], [undefined, isKept ? true : undefined]);
      await engine.publish(contentChange(a.topics[0]!.topic));
      equal(engine.sent.length, isKept ? 2 : 1);
      await engine.leave();
    },
  );
}

testStores("announce key: changes go on while the message waits to be taken", async (openKv) => {
  await using kv = await openKv();
  const a = dav("a");
  await subscribe(kv, a);
  const answer = ({ message }: { message: unknown }): Outcome | undefined =>
    message ? undefined : { kind: "retry", tried: true };
  const engine = createEngine(kv, { answer });
  await engine.start();
  await announceKey({ ...brokerDeps(kv, engine.clock), vapidKey: NEW });
  await engine.adopt();
  await engine.pass(10_000);
  await engine.publish(contentChange(a.topics[0]!.topic));
  ok(engine.sent.some(({ topic }) => topic === a.topics[0]!.topic));
  await engine.pass(DAY + 3_600_000, 600_000);
  const { kept } = await findSubscription(kv, a.id);
  equal([kept?.initial, kept?.subscription.confirmed], [undefined, true]);
  await engine.leave();
});
