/**
 * What a database may hold that we never wrote: whatever stands under a key of ours, no loop ends, everybody else is
 * served, and what is set aside is named by its key, once.
 */
import fc from "fast-check";
import { equal, ok } from "../helpers/assert.ts";
import { memoryKv, memorySink, reader } from "../helpers/broker.ts";
import { manualClock } from "../helpers/clock.ts";
import { contentChange, subscribe, subscription } from "../helpers/engine.ts";
import { maimedAt, mustBeReported, OWNER, printKey, PUBLISHED, spotsAt, TOPIC } from "../helpers/hostile_database.ts";
import { junk } from "../helpers/hostile_values.ts";
import { runBroker } from "../helpers/run_broker.ts";
import { witness } from "../helpers/witness.ts";

const NOW = manualClock().now();
const SPOTS = spotsAt(NOW), NAMES = Object.keys(SPOTS);
const A = subscription("a", [TOPIC]);
const REPORT = "a {kind} that cannot be read was set aside: {key}";

type Values = Record<string, unknown>;

async function write(kv: Deno.Kv, values: Values): Promise<void> {
  for (const [name, { key, beside = [] }] of Object.entries(SPOTS)) {
    await kv.set(key, values[name]);
    for (const other of beside) await kv.set(other, 0);
  }
}

/** Does all that a worker does, over these values; answers which keys it named. */
async function serve(kv: Deno.Kv): Promise<string[]> {
  using log = witness();
  log.keep(A.address);
  const running = await runBroker(kv), { broker } = running;
  const sink = memorySink();
  broker.admit(reader(TOPIC, "exact", () => true), { ...await broker.locate("earliest"), expiresAt: Infinity })(sink);
  const target = {
    transport: "web-push" as const,
    address: log.keep("https://push.example/another"),
    keys: A.keys,
    vapidKey: "vapid",
  };
  await broker.subscriptions.subscribe(OWNER, target, { topics: [TOPIC] }, () => {});
  await running.pass(10);
  for (const jti of ["known", "new"]) {
    await broker.publish({ changes: [contentChange(TOPIC, { priority: 100, data: jti })], jti: { iss: "iss", jti } });
  }
  await running.pass(10);
  await running.minute();
  await broker.publish({ changes: [contentChange(TOPIC, { priority: 100, data: "last" })] });
  ok((await broker.locate(PUBLISHED)).from);
  await running.pass(5);
  await running.leave();
  const told = (address: string) =>
    running.sent.filter(({ subscriber, message }) => message && subscriber.address === address);
  ok(told(A.address).length >= 2 && told(target.address).length >= 2, "somebody was not told");
  ok(sink.data.length >= 2, "a stream was not served");
  log.testify();
  const warned = log.records.filter(({ level }) => level !== "info" && level !== "debug");
  equal(
    warned.filter(({ rawMessage }) => rawMessage !== REPORT).map((
      { rawMessage, properties },
    ) => [rawMessage, properties]),
    [],
  );
  return warned.map(({ properties }) => `${properties.key}`);
}

async function tryWith(values: Values, check: (named: string[], kv: Deno.Kv) => Promise<void> | void): Promise<void> {
  await using kv = await memoryKv();
  // Ids of subscriptions are the same in each run, and of a shard that can be read.
  await kv.set(["hash_key"], "h".repeat(32));
  await subscribe(kv, A);
  await write(kv, values);
  await check(await serve(kv), kv);
}

Deno.test("hostile records: what is no record is named by its key, once, stays, and stops nothing", async () => {
  const values = fc.record(Object.fromEntries(NAMES.map((name) => [name, junk])));
  await fc.assert(
    fc.asyncProperty(values, (values) =>
      tryWith(values, async (named, kv) => {
        for (const [name, spot] of Object.entries(SPOTS)) {
          const times = named.filter((key) => key === printKey(spot.key)).length;
          equal(times, mustBeReported(spot, values[name]) ? 1 : 0, name);
          if (spot.isKept && times > 0) equal((await kv.get(spot.key)).value, values[name], name);
        }
      })),
    { numRuns: 12, endOnFailure: true },
  );
});

Deno.test("hostile records: a record of the right version with members that are wrong or missing stops nothing", async () => {
  const values = fc.record(Object.fromEntries(Object.entries(SPOTS).map(([name, spot]) => [name, maimedAt(spot)])));
  await fc.assert(
    fc.asyncProperty(
      values,
      (values) => tryWith(values, (named) => equal(new Set(named).size, named.length, "a key was named twice")),
    ),
    { numRuns: 25, endOnFailure: true },
  );
});
