import { createSurvey, type Survey } from "../../src/console/survey.ts";
import { shardOf } from "../../src/model/shard.ts";
import { topicHash } from "../../src/store/subscribers.ts";
import { replaceRetry } from "../../src/store/retries.ts";
import { findSubscription, type Initial, removeSubscription, saveSubscription } from "../../src/store/subscriptions.ts";
import { equal, ok, refuses } from "../helpers/assert.ts";
import { countScans, memoryKv } from "../helpers/broker.ts";
import { manualClock } from "../helpers/clock.ts";
import { subscription } from "../helpers/engine.ts";

const NONE = { soonest: [], isWhole: true };
const TOPIC = "https://dav.example/work/";

type Stored = Parameters<typeof subscription>[2] & { initial?: Initial };

async function store(kv: Deno.Kv, id: string, { initial, ...more }: Stored = {}): Promise<void> {
  const made = subscription(id, [TOPIC], { ...more, confirmed: !initial });
  ok(
    await saveSubscription(kv, await findSubscription(kv, made.id), {
      subscription: made,
      ...(initial && { initial }),
    }),
  );
}

/** What a subscription could not be told, due at a time. */
async function storeRetry(kv: Deno.Kv, id: string, attempt: number, at: number): Promise<void> {
  const hash = topicHash(TOPIC), name = { hash, id: id.padEnd(22, "_") };
  const merged = { priority: 50, timestamp: 0 };
  const retry = { topic: TOPIC, merged, attempt, at, until: at + 1, reason: "503" };
  for (const { key, value } of replaceRetry(shardOf(hash), name, undefined, retry)) await kv.set(key, value);
}

const surveyOf = (kv: Deno.Kv): Promise<Survey> => createSurvey({ kv, clock: manualClock() })();

Deno.test("survey: subscriptions are counted, by transport as well; those that have ended are not", async () => {
  await using kv = await memoryKv();
  equal(await surveyOf(kv), {
    confirmed: 0,
    unconfirmed: 0,
    transports: { counts: [], lookedAt: 0, isWhole: true },
    waiting: NONE,
  });
  await store(kv, "a");
  await store(kv, "b", { transport: "webhook", keys: { secret: "s" }, address: "https://hook.example/x" });
  await store(kv, "c", { initial: { attempt: 0, at: 5, until: 9 } });
  await store(kv, "d");
  ok(await removeSubscription(kv, await findSubscription(kv, "d".padEnd(22, "_")), 0));
  const { confirmed, unconfirmed, transports } = await surveyOf(kv);
  equal([confirmed, unconfirmed], [2, 1]);
  equal(transports, { counts: [["web-push", 2], ["webhook", 1]], lookedAt: 3, isWhole: true });
});

Deno.test("survey: what waits is told by its service, the soonest first; of an address nothing else is said", async () => {
  await using kv = await memoryKv();
  await store(kv, "a", { address: "https://push.example/secret-path" });
  await storeRetry(kv, "a", 3, 7);
  await store(kv, "b", {
    address: "https://push.example/secret-path",
    initial: { attempt: 1, at: 5, until: 9, reason: "timeout" },
  });
  // It waits for its first message, and its subscription has ended.
  await storeRetry(kv, "b", 0, 6);
  await storeRetry(kv, "ended", 2, 6);
  const survey = await surveyOf(kv), service = "https://push.example", transport = "web-push";
  equal(survey.waiting, {
    soonest: [
      { transport, service, tries: 1, at: 5, reason: "timeout" },
      { topic: TOPIC, tries: 3, at: 7, reason: "503", transport, service },
    ],
    isWhole: true,
  });
  ok(!JSON.stringify(survey).includes("secret"));
});

Deno.test("survey: of very many it says that there are more", async () => {
  await using kv = await memoryKv();
  for (let n = 0; n < 501; n++) await store(kv, `${n}`);
  for (let n = 0; n < 12; n++) await storeRetry(kv, `${n}`, 1, n);
  const { confirmed, transports, waiting } = await surveyOf(kv);
  equal([confirmed, transports.lookedAt, transports.isWhole], [501, 500, false]);
  equal([waiting.soonest.map(({ at }) => at), waiting.isWhole], [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], false]);
});

Deno.test("survey: what waits for a first message hides nothing else, and is not said to be more", async () => {
  await using kv = await memoryKv();
  await store(kv, "new", { initial: { attempt: 0, at: 5, until: 9 } });
  for (let n = 0; n < 12; n++) await storeRetry(kv, n % 2 ? "new" : `ended${n}`, 0, n);
  await store(kv, "a");
  await storeRetry(kv, "a", 1, 20);
  const { waiting } = await surveyOf(kv);
  equal([waiting.soonest.map(({ at }) => at), waiting.isWhole], [[5, 20], true]);
});

Deno.test("survey: what cannot be read is passed by", async () => {
  await using kv = await memoryKv();
  await store(kv, "a");
  await storeRetry(kv, "a", 1, 7);
  const strange: Deno.KvKeyPart[][] = [["due", 0], ["due", 0, "x"], ["due", 1, 5, 6, 7], ["due", 1, 5n, "a", "b"]];
  for (const key of [...strange, ["subscription", 1], ["subscription", "x", "y"], ["count", "confirmed_at", "z"]]) {
    await kv.set(key, { any: "thing" });
  }
  const { confirmed, transports, waiting } = await surveyOf(kv);
  equal([confirmed, transports.counts, waiting.soonest.map(({ at }) => at)], [1, [["web-push", 1]], [7]]);
});

Deno.test("survey: however many ask, the database is read once in five seconds", async () => {
  await using kv = await memoryKv();
  const clock = manualClock(), { counting, scans } = countScans(kv), read = createSurvey({ kv: counting, clock });
  await Promise.all(Array.from({ length: 50 }, read));
  const once = scans();
  clock.advance(4_999);
  await read();
  equal(scans(), once);
  clock.advance(1);
  await read();
  equal(scans(), 2 * once);
});

Deno.test("survey: a database that does not answer is one that failed", async () => {
  const kv = await Deno.openKv(":memory:");
  kv.close();
  await refuses("kv_failed", () => surveyOf(kv));
});
