/** A subscription that changes while something waits for it. */
import { createTopicNames } from "../../src/broker/topic_names.ts";
import { createSubscriptions } from "../../src/broker/subscriptions.ts";
import { contentChange, createEngine } from "../helpers/engine.ts";
import { countKeys, startAll } from "../helpers/engines.ts";
import { equal, ok } from "../helpers/assert.ts";
import { brokerDeps } from "../helpers/broker.ts";
import { testStores } from "../helpers/stores.ts";

const TOPIC = "https://dav.example/alice/work/";
const TARGET = {
  transport: "web-push" as const,
  address: "https://push.example/a",
  keys: { p256dh: "k", auth: "s" },
  vapidKey: "v",
};

/** An engine, a subscription that was told of a first change, and a second one that may wait for a minute. */
async function openWaiting(kv: Deno.Kv, wanted = {}) {
  const engine = createEngine(kv);
  await startAll(engine);
  const subscriptions = createSubscriptions({
    ...brokerDeps(kv, engine.clock),
    hashKey: "key",
    names: createTopicNames("key"),
    subscribed: engine.subscribed,
  });
  const { kept } = await subscriptions.subscribe(
    "owner",
    TARGET,
    { topics: [TOPIC], maxDelay: 60, ...wanted },
    () => {},
  );
  await engine.idle();
  await engine.publish(contentChange(TOPIC));
  await engine.publish(contentChange(TOPIC, { priority: 10, timestamp: 2 }));
  await engine.pass(6_000);
  const told = () => engine.sent.filter(({ topic }) => topic === TOPIC).length;
  equal(told(), 1);
  const update = (more: object) => subscriptions.update("owner", kept.subscription.id, more, () => {});
  return { engine, told, update };
}

for (
  const triggers of [{}, { content: { depth: "0" as const } }, {
    property: { depth: "0" as const, props: ["{DAV:}a"] },
  }]
) {
  testStores(
    `catch up: who wants no delay any more is told of what waited for its old class: ${JSON.stringify(triggers)}`,
    async (openKv) => {
      await using kv = await openKv();
      const { engine, told, update } = await openWaiting(kv);
      await update({ maxDelay: 0, triggers, minPriority: 90 });
      await engine.pass(6_000);
      equal([told(), await countKeys(kv, "handback")], [2, 0]);
      await engine.pass(120_000);
      equal(told(), 2);
      await engine.leave();
    },
  );
}

testStores("catch up: nothing is told once more when the delay class stays, or gets longer", async (openKv) => {
  await using kv = await openKv();
  const { engine, told, update } = await openWaiting(kv);
  for (const maxDelay of [60, 3_600, 61]) await update({ maxDelay });
  await engine.pass(50_000);
  equal(told(), 1);
  await engine.pass(10_000);
  equal(told(), 2);
  await engine.leave();
});

testStores("catch up: a new topic and one that is left are none of it", async (openKv) => {
  await using kv = await openKv();
  const { engine, update } = await openWaiting(kv);
  await update({ maxDelay: 0, topics: ["https://dav.example/new/"] });
  await engine.pass(120_000);
  equal(engine.sent.map(({ topic }) => topic), [undefined, TOPIC]);
  await engine.leave();
});

testStores("catch up: who was not confirmed yet is told of what waited as soon as they are", async (openKv) => {
  await using kv = await openKv();
  let down = true;
  const engine = createEngine(kv, { answer: () => down ? { kind: "retry", tried: true } : undefined });
  await startAll(engine);
  const subscriptions = createSubscriptions({
    ...brokerDeps(kv, engine.clock),
    hashKey: "key",
    names: createTopicNames("key"),
    subscribed: engine.subscribed,
  });
  const { kept } = await subscriptions.subscribe("owner", TARGET, { topics: [TOPIC], maxDelay: 60 }, () => {});
  const token = (syncToken: string) => ({ priority: 10, content: { depth: "1" as const, except: [], syncToken } });
  await engine.publish(contentChange(TOPIC, token("1")));
  await engine.publish(contentChange(TOPIC, { ...token("2"), timestamp: 2 }));
  await engine.pass(2_000);
  await subscriptions.update("owner", kept.subscription.id, { maxDelay: 0 }, () => {});
  await engine.pass(5_000);
  down = false;
  await engine.pass(60_000);
  const told = engine.sent.filter(({ topic }) => topic === TOPIC);
  // That something is newer than the first change, whatever it is.
  ok(told.length > 0 && told.at(-1)!.delivery.message!.merged.content!.syncToken !== "1");
  await engine.leave();
});
