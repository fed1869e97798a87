/** A database that the version before left when it was killed, opened by this one. */
import { openStore } from "../../src/store/open.ts";
import { readAdminHash, readEpoch, readLocalIssuer, readVapidKey } from "../../src/store/keys.ts";
import { importVapidKey } from "../../src/wire/vapid.ts";
import { printKey } from "../../src/store/set_aside.ts";
import { equal, ok } from "../helpers/assert.ts";
import { memorySink, reader } from "../helpers/broker.ts";
import { manualClock } from "../helpers/clock.ts";
import { contentChange } from "../helpers/engine.ts";
import { addressOf, KEPT_AT, KEPT_OWNER, LATER, PAGED, QUIET, TOLD } from "../helpers/keep_database.ts";
import { runBroker } from "../helpers/run_broker.ts";
import { witness } from "../helpers/witness.ts";

const FIXTURE = new URL("../fixtures/databases/schema-0.sqlite3", import.meta.url);
const EPOCH = "f8280c48";

/** A copy of it, opened as a worker does. */
async function openCopy() {
  const folder = await Deno.makeTempDir();
  await Deno.copyFile(FIXTURE, `${folder}/k.sqlite3`);
  const kv = await openStore(`${folder}/k.sqlite3`);
  const { point } = await importVapidKey(await readVapidKey(kv, undefined));
  const start = () => runBroker(kv, { clock: manualClock(KEPT_AT + 60_000), vapidKey: point });
  const close = async () => {
    kv.close();
    await Deno.remove(folder, { recursive: true });
  };
  return { kv, start, [Symbol.asyncDispose]: close };
}

type Running = Awaited<ReturnType<typeof runBroker>>;
const toldAt = ({ sent }: Running, topic: string) =>
  sent.filter(({ message, subscriber: { address } }) => message?.topic === topic && address === addressOf(topic));

Deno.test("kept database: it is brought up to this version, and its keys are what they were", async () => {
  await using place = await openCopy();
  equal((await place.kv.get(["schema"])).value, 1);
  const { jwks: { keys: [key] } } = await readLocalIssuer(place.kv, undefined);
  equal([await readEpoch(place.kv), key!.kid, (await readAdminHash(place.kv))!.length], [EPOCH, "92fc52c5", 22]);
});

Deno.test("kept database: streams resume from its event ids, from ids of publishers, and from the beginning", async () => {
  await using place = await openCopy();
  const { broker, leave } = await place.start();
  const places = { [`${EPOCH}.00000000000000bb0000.0`]: 4, "urn:kept:1": 1, [`${EPOCH}.00000000000001370000.0`]: 0 };
  for (const [id, count] of Object.entries({ ...places, earliest: 5 })) {
    const { from, lost } = await broker.locate(id), sink = memorySink();
    broker.admit(reader("*", "exact", () => true), { from, lost, expiresAt: Infinity })(sink);
    equal([lost, sink.data.length, sink.text.includes("event: lost")], [false, count, false], id);
  }
  await leave();
});

Deno.test("kept database: its retries go out, what waited is told, and its initial push is made", async () => {
  await using place = await openCopy();
  const running = await place.start();
  await running.pass(30);
  equal([LATER, QUIET, PAGED].map((topic) => toldAt(running, topic).length), [1, 1, 1]);
  equal(
    running.sent.filter(({ subscriber }) => subscriber.address === "https://push.example/new")[0]!.message,
    undefined,
  );
  for (const name of ["retry", "due", "initial", "page", "handback", "window"]) {
    equal(await Array.fromAsync(place.kv.list({ prefix: [name] })), [], name);
  }
  await running.leave();
});

Deno.test("kept database: its subscriptions are told of what happens now, listed and ended", async () => {
  using log = witness();
  await using place = await openCopy();
  const running = await place.start();
  await running.pass(60);
  const before = toldAt(running, TOLD).length;
  await running.broker.publish({ changes: [contentChange(TOLD)] });
  await running.pass(10);
  equal(toldAt(running, TOLD).length, before + 1);
  const { kept } = await running.broker.subscriptions.list(KEPT_OWNER, "", 10);
  equal(kept.length, 5);
  for (const { subscription: { id } } of kept) await running.broker.subscriptions.end(KEPT_OWNER, id);
  await running.minute();
  for await (const { key, value } of place.kv.list({ prefix: ["count"] })) {
    equal((value as Deno.KvU64).value, 0n, `${key}`);
  }
  equal(log.records.filter(({ level }) => level !== "info").map(({ rawMessage }) => rawMessage), []);
  await running.leave();
});

Deno.test("kept database: no key holds a topic, a push address, or a secret: keys are logged", async () => {
  await using place = await openCopy();
  const running = await place.start();
  await running.pass(5);
  await running.leave();
  for await (const { key } of place.kv.list({ prefix: [] })) {
    ok(!/https?:|push\.example|dav\.example|B{20}|A{20}|\/calendars\//.test(printKey(key)), printKey(key));
  }
});
