/** docs/operating.md: its commands as they stand there, its alarms by Prometheus's own judgement, its log lines by the source. */
import { ERRORS } from "../../src/errors.ts";
import { readConfig } from "../../src/config.ts";
import { createMetrics } from "../../src/metrics.ts";
import { startMain } from "../helpers/main_process.ts";
import { openReplaced } from "../helpers/replaced_database.ts";
import { component } from "../helpers/component.ts";
import { eventually } from "../helpers/eventually.ts";
import { equal, ok } from "../helpers/assert.ts";
import { openStream, type ReceivedEvent } from "../helpers/event_source.ts";
import { documentOf } from "../helpers/document.ts";
import { findDenokv } from "../../scripts/lib/denokv_install.ts";
import { accessToken, ring } from "../helpers/worker.ts";

const document = await documentOf("docs/operating.md");
const alerts = await Deno.readTextFile("docs/examples/alerts.yml");

const findSqlite = () => Deno.stat("/usr/bin/sqlite3");
const test = await component("sqlite3", findSqlite);
const testByDenokv = await component("sqlite3 and denokv", async () => await findSqlite() && await findDenokv());
const testByPromtool = await component("promtool", () => Deno.stat("/usr/bin/promtool"));

const STORES = [["the embedded database", test, undefined], ["denokv", testByDenokv, "denokv"]] as const;

for (const [name, testBy, server] of STORES) {
  testBy(
    `operating: ${name}: what was acknowledged before a backup is there after the restore, and nobody misses what comes then`,
    async () => {
      await using database = await openReplaced(document, server);
      await using worker = await database.start();
      const token = await accessToken(worker, { subscribe: ["*"] }), mailbox = await database.openMailbox(worker);
      const { acknowledged, stop } = database.keepRinging(worker);
      await eventually("some changes", () => Promise.resolve(acknowledged.length > 20));
      const before = acknowledged.length;
      await database.backUp();
      const then = acknowledged.length;
      // What the backup does not have, and its readers do: places far behind where the restored database goes on.
      await eventually("changes that are lost", () => Promise.resolve(acknowledged.length > then + 100));
      await stop();
      await mailbox.push("lost");
      const { id: place } = await mailbox.read();
      await ring(worker, { topic: "a", data: "lost" });
      await using reader = await openStream(worker.hub, "match=a&last_event_id=earliest", token);
      await reader.until(() => dataOf(reader.events).at(-1) === "lost");

      await database.restore(worker);
      await using again = await database.start(worker.url);
      await ring(again, { topic: "a", data: "after" });
      await using resumed = await openStream(again.hub, `match=a&last_event_id=${reader.state.lastId}`, token);
      await resumed.until(() => dataOf(resumed.events).at(-1) === "after");
      equal(resumed.events[0]!.type, "lost");
      const kept = dataOf(resumed.events).slice(0, -1);
      equal(kept, acknowledged.slice(0, kept.length));
      ok(kept.length >= before, `${kept.length} of ${before}`);
      await mailbox.push("after");
      equal((await mailbox.read(place)).body, "after");
    },
  );
}

/** The data of each change, without the event that tells of a loss. */
function dataOf(events: ReceivedEvent[]): string[] {
  return events.filter(({ type }) => type !== "lost").map(({ data }) => JSON.parse(data).data);
}

test("operating: the commands that look show a worker that is well", async () => {
  await using database = await openReplaced(document);
  await using worker = await database.start();
  await ring(worker, "a");
  const shown = await document.run("look", database.surroundings(worker));
  ok(/^healthy\nready\n/.test(shown) && /^carillon_changes_total 1$/m.test(shown), shown);
});

test("operating: an issuer changes its name and key, and both are taken", async () => {
  await using database = await openReplaced(document);
  const { folder } = database, at = { folder };
  const first = document.textOf("sh issuer").split("\n")[0]!.replaceAll("dav-2", "dav-1");
  await document.runText(first, at);
  await document.run("issuer", at);
  const CARILLON_ISSUERS = await Deno.readTextFile(`${folder}/data/issuers.json`);
  await using worker = await database.start(undefined, { CARILLON_ISSUERS });
  for (const name of ["dav-1", "dav-2"]) {
    const key = `--key data/${name}.jwk --issuer ${name} --url ${worker.url}`;
    await document.runText(`npx -y deno@2.9.6 task ring https://dav.example.com/a ${key}`, at);
  }
});

test("operating: a new VAPID key is the one to subscribe with, and the local issuer's tokens end with its key", async () => {
  await using database = await openReplaced(document);
  await using worker = await database.start();
  const token = await accessToken(worker, { subscribe: ["*"] }), before = await vapidKeyOf(worker.url);
  await worker.end("SIGTERM");
  for (const block of ["vapid", "local"]) await document.run(block, database);
  const CARILLON_VAPID_KEY = `${database.folder}/data/vapid.jwk`;
  equal(readConfig({ CARILLON_VAPID_KEY }).vapidKeys.length, 1);
  await using again = await database.start(worker.url, { CARILLON_VAPID_KEY });
  ok(await vapidKeyOf(again.url) !== before);
  const refused = await fetch(`${again.hub}?match=a`, { headers: { authorization: `Bearer ${token}` } });
  equal([refused.status, (await refused.json()).code], [401, "invalid_token"]);
});

test("operating: a new CARILLON_SECRET seals the database, and the keys in it stay", async () => {
  await using database = await openReplaced(document);
  await using worker = await database.start();
  const before = await vapidKeyOf(worker.url), { folder, env } = database.surroundings(worker);
  await worker.end("SIGTERM");
  await document.run("secret", { folder, env });
  const CARILLON_SECRET = (await Deno.readTextFile(`${folder}/data/secret.new`)).trim();
  await using again = await startMain({ ...env, CARILLON_SECRET });
  equal(await vapidKeyOf(again.url), before);
});

async function vapidKeyOf(url: string): Promise<string> {
  const { transports } = await (await fetch(`${url}/-/transports`)).json();
  return transports[0].vapidPublicKey;
}

Deno.test("operating: each metric of an alarm is one of a worker, each code is one of ours, each alarm has its advice", async () => {
  const known = (await createMetrics().registry.getMetricsAsJSON()).map(({ name }) => name);
  const named = new Set(alerts.match(/carillon_[a-z_]+/g)!.map((name) => name.replace(/_bucket$/, "")));
  equal([...named].filter((name) => !known.includes(name)), []);
  const codes = alerts.matchAll(/code=~?"([^"]+)"/g).flatMap(([, codes]) => codes!.split("|"));
  equal([...codes].filter((code) => !(code in ERRORS)), []);
  const alarms = [...alerts.matchAll(/alert: (\w+)/g)].map(([, name]) => name!);
  equal([...document.text.matchAll(/^\| `(Carillon\w+)`/gm)].map(([, name]) => name), alarms);
});

Deno.test("operating: every line that is logged is explained, and no other", async () => {
  const logged = new Set(await Array.fromAsync(linesOf("src")).then((lines) => lines.flat()));
  for (const line of await linesIn("main.ts")) logged.add(line);
  const section = document.text.split("\n## What log lines mean\n")[1]!;
  const explained = new Set([...section.matchAll(/^\| `(.*?)` +\|/gm)].map(([, line]) => line!));
  equal([...explained].sort(), [...logged].sort());
});

async function* linesOf(folder: string): AsyncGenerator<string[]> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* linesOf(`${folder}/${name}`);
    else yield await linesIn(`${folder}/${name}`);
  }
}

async function linesIn(path: string): Promise<string[]> {
  const source = await Deno.readTextFile(path);
  const lines = source.matchAll(
    /(?:\blog(?:\.\w+|\[[\w.]+\])\(|const (?:UNKNOWN_KEY|BROKEN) =)\s*(?:"([^"]+)"|`([^`]+)`)/g,
  );
  return [...lines].map(([, plain, template]) => plain ?? template!.replaceAll("${", "{"));
}

testByPromtool(
  "operating: Prometheus takes the configuration and the rules, and each alarm rings when it should",
  async () => {
    const folder = await Deno.makeTempDir();
    await Deno.writeTextFile(`${folder}/alerts.yml`, alerts);
    await Deno.writeTextFile(`${folder}/carillon.token`, "a");
    const scrape = document.textOf("yaml scrape").replace("/etc/prometheus", folder);
    await Deno.writeTextFile(`${folder}/prometheus.yml`, scrape);
    await Deno.copyFile("tests/fixtures/alerts_test.yml", `${folder}/alerts_test.yml`);
    for (const args of [["check", "config", "prometheus.yml"], ["test", "rules", "alerts_test.yml"]]) {
      const { success, stdout, stderr } = await new Deno.Command("promtool", { args, cwd: folder }).output();
      ok(success, new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr));
    }
    const rung = (await Deno.readTextFile("tests/fixtures/alerts_test.yml")).matchAll(/alertname: (\w+)/g);
    equal(new Set(rung.map(([, name]) => name)), new Set(alerts.matchAll(/alert: (\w+)/g).map(([, name]) => name)));
    await Deno.remove(folder, { recursive: true });
  },
);
