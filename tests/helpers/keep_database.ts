/**
 * Makes the small database of `tests/fixtures/databases/`: `deno run -A tests/helpers/keep_database.ts FILE`. To be run
 * before a change raises the version of the schema; it holds what a killed worker leaves, and its keys are used nowhere.
 */
import { DatabaseSync } from "node:sqlite";
import { importVapidKey } from "../../src/wire/vapid.ts";
import type { Delivery, Outcome } from "../../src/model/delivery.ts";
import { shardOf } from "../../src/model/shard.ts";
import { writeHome } from "../../src/store/homes.ts";
import { makeAdminToken, readLocalIssuer, readVapidKey } from "../../src/store/keys.ts";
import { setHandback, setPages } from "../../src/store/pages.ts";
import { topicHash } from "../../src/store/subscribers.ts";
import { manualClock } from "./clock.ts";
import { contentChange } from "./engine.ts";
import { runBroker } from "./run_broker.ts";

/** When the worker was killed, milliseconds since 1970. */
export const KEPT_AT = Date.UTC(2026, 10, 23);

export const KEPT_OWNER = "owner-of-kept-database";

/** Nobody could be told of `LATER`; `QUIET` was changed twice, so that the second change waits; `PAGED` was cut. */
export const [TOLD, LATER, QUIET, PAGED] = ["told", "later", "quiet", "paged"].map((name) =>
  `https://dav.example/calendars/alice/${name}/`
) as [string, string, string, string];

/** Where each subscription is told. */
export const addressOf = (topic: string) => `https://push.example/${new URL(topic).pathname.split("/").at(-2)}`;

const KEYS = { p256dh: "B".repeat(87), auth: "A".repeat(22) };

/** Fills a new database, and leaves it as a killed process does. */
async function fill(kv: Deno.Kv): Promise<void> {
  await Promise.all([readLocalIssuer(kv, undefined), makeAdminToken(kv)]);
  const { point } = await importVapidKey(await readVapidKey(kv, undefined));
  const clock = manualClock(KEPT_AT - 10_000);
  const { broker, pass, kill } = await runBroker(kv, { clock, vapidKey: point, answer });

  for (const topic of [TOLD, LATER, QUIET, PAGED, "gone"]) {
    const address = topic === "gone" ? "https://push.example/gone" : addressOf(topic);
    const target = { transport: "web-push" as const, address, keys: KEYS, vapidKey: point };
    await broker.subscriptions.subscribe(KEPT_OWNER, target, { topics: [topic] }, () => {});
  }
  await broker.subscriptions.leave(KEPT_OWNER, "https://push.example/gone", ["gone"]);
  await pass(5);
  // This one is never confirmed.
  const target = { transport: "web-push" as const, address: "https://push.example/new", keys: KEYS, vapidKey: point };
  await broker.subscriptions.register(KEPT_OWNER, target, { topic: TOLD, triggers: {} }, () => {});
  await writeHome(kv, { path: "/calendars/alice/", until: KEPT_AT + 86_400_000, states: { "/a/": "1" } }, null);
  const jti = { iss: "https://dav.example", jti: "1" };
  await broker.publish({ changes: [contentChange(TOLD), contentChange(LATER)], jti });
  await broker.publish({ changes: [contentChange(QUIET), contentChange(TOLD, { id: "urn:kept:1", data: "d" })] });
  await pass(2);
  await broker.minute();
  await broker.publish({ changes: [contentChange(QUIET, { priority: 10 })] });
  const hash = topicHash(PAGED), shard = shardOf(hash), timestamp = clock.now();
  const merged = { priority: 50, timestamp, content: { depths: ["1" as const], except: [], timestamp } };
  const pages = setPages(shard, hash, {
    topic: PAGED,
    classes: [{ delay: 60, merged }],
    after: { delay: 0, id: "" },
  });
  const retry = { topic: QUIET, merged, attempt: 0, at: timestamp, until: KEPT_AT + 86_400_000 };
  const handback = setHandback(shardOf(topicHash(QUIET)), { hash: topicHash(QUIET), id: "x".repeat(22) }, retry);
  for (const { key, value } of [...pages, handback]) await kv.set(key, value);
  await pass(3);
  await kill();
}

function answer({ subscriber: { address }, message }: Delivery): Outcome | undefined {
  const isLater = address === addressOf(LATER) && message || address === "https://push.example/new";
  return isLater ? { kind: "retry", tried: true } : undefined;
}

/** Makes the file whole and small. */
function compact(path: string): void {
  const file = new DatabaseSync(path);
  file.exec("PRAGMA journal_mode = DELETE; VACUUM");
  file.close();
}

if (import.meta.main) {
  const path = Deno.args[0]!, kv = await Deno.openKv(path);
  await fill(kv);
  for await (const { key } of kv.list({ prefix: [] })) console.log(JSON.stringify(key));
  kv.close();
  compact(path);
}
