/** docs/dav-gateway.md: what it says to write and to type is used as it stands there. */
import { readConfig } from "../../src/config.ts";
import { shortHash } from "../../src/model/short_hash.ts";
import { readHome } from "../../src/store/homes.ts";
import { freePort } from "../../scripts/lib/free_port.ts";
import { ADMIN, type Behind, openBehind } from "../helpers/behind_front.ts";
import { certificates } from "../helpers/certificates.ts";
import { fastClock } from "../helpers/clock.ts";
import { component } from "../helpers/component.ts";
import { equal, ok } from "../helpers/assert.ts";
import { FIND, openAll, registerOf, tokenIn, topicIn, XML } from "../helpers/dav_push.ts";
import { caddy, DAV_HOST, findFront, type Front, nginx } from "../helpers/front.ts";
import { startProcess } from "../helpers/process.ts";
import { findRadicale } from "../helpers/radicale.ts";
import { accessToken, type TestWorker } from "../helpers/worker.ts";
import { printEvent } from "../../scripts/lib/calendar.ts";

const document = await Deno.readTextFile("docs/dav-gateway.md");

/** The block with this behind its opening fence. */
function blockOf(name: string): string {
  return document.split(`\n\`\`\`${name}\n`)[1]!.split("\n```")[0]! + "\n";
}

/** What the lines for every server set, and those for one. */
function envOf(name: string): Record<string, string> {
  const lines = `${blockOf("env all")}${blockOf(`env ${name}`)}`.trim().split("\n");
  return Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2)));
}

/** The sections of a file as Radicale reads it. */
function sectionsOf(ini: string): Record<string, Record<string, string>> {
  const sections = ini.split(/^\[(?=\w+\]$)/m).slice(1).map((text) => text.split("\n").filter(Boolean));
  return Object.fromEntries(
    sections.map((
      [head, ...lines],
    ) => [head!.slice(0, -1), Object.fromEntries(lines.map((each) => each.split(" = ")))]),
  );
}

Deno.test("dav gateway: every block of settings is accepted, and opens the door that it names", () => {
  const blocks = [...document.matchAll(/^```env (\w+)$/gm)].map(([, name]) => name!);
  equal(blocks, ["all", "radicale", "baikal", "nextcloud", "cyrus"]);
  for (const name of blocks.slice(1)) {
    const env = envOf(name), { upstream, url, davUrl, contact } = readConfig(env);
    const { CARILLON_UPSTREAM, CARILLON_URL, CARILLON_DAV_URL, CARILLON_CONTACT } = env;
    equal([upstream, url, davUrl, contact], [CARILLON_UPSTREAM, CARILLON_URL, CARILLON_DAV_URL, CARILLON_CONTACT]);
  }
});

const testWithRadicale = await component("Radicale", findRadicale);

testWithRadicale("dav gateway: by Radicale's files and settings the service account polls", async () => {
  const folder = await Deno.makeTempDir();
  const { CARILLON_SERVICE_USER: user, CARILLON_SERVICE_PASSWORD: password } = envOf("radicale");
  await Deno.writeTextFile(`${folder}/users`, `alice:alice\nbob:bob\n${user}:${password}\n`);
  await Deno.writeTextFile(`${folder}/rights`, blockOf("ini rights"));
  const file = blockOf("ini radicale").replace("127.0.0.1:5232", "127.0.0.1:0")
    .replaceAll("/etc/radicale", folder).replace("/var/lib/radicale", folder);
  const { CARILLON_UPSTREAM: _, CARILLON_URL: __, CARILLON_DAV_URL: ___, ...env } = envOf("radicale");
  await using all = await openAll({ config: sectionsOf(file), clock: fastClock(60) }, env);
  const device = all.service.subscribe(), document = registerOf("davx5-next-register.xml", device);
  equal((await all.bob.request("POST", "/alice/work/", document, XML)).status, 403);
  equal((await all.alice.request("POST", "/alice/work/", document, XML)).status, 201);
  await all.service.until(() => all.service.messages(device).length === 1);
  await untilLooked(all.worker, "/alice/");
  await all.radicale.as("alice").putEvent("/alice/work/", "invited");
  await all.service.until(() => all.service.messages(device).length === 2);
  equal([await polls(all.worker, "refused"), await polls(all.worker, "unreadable")], [0, 0]);
  await Deno.remove(folder, { recursive: true });
});

async function polls({ metrics }: TestWorker, outcome: string): Promise<number> {
  const { values } = await metrics.davPolls.get();
  return values.find(({ labels }) => labels.outcome === outcome)?.value ?? 0;
}

/** Resolves when the home was looked at, and there is something to compare with the next time. */
async function untilLooked({ kv }: TestWorker, path: string): Promise<void> {
  for await (const _ of kv.watch([["home", shortHash(path)]])) {
    const stored = await readHome(kv, path);
    if (stored && stored !== "unread" && stored.home.states) return;
  }
}

const CALENDAR = { "content-type": "text/calendar" };

/** What a client does in a day, while another one listens to the same calendar. */
async function spendDay(behind: Behind): Promise<void> {
  const { service, request, dav } = behind, device = service.subscribe();
  const { text } = await request("PROPFIND", "/alice/work/", FIND, { depth: "0", ...XML });
  const topic = topicIn(text);
  const made = await request("POST", "/alice/work/", registerOf("davx5-next-register.xml", device), XML);
  const location = made.headers.get("location")!;
  equal([made.status, location.startsWith(`${dav}/-/registrations/`)], [201, true]);
  await service.until(() => service.messages(device).length === 1);

  await using stream = await listen(behind, `${dav}/alice/work/`);
  const large = printEvent("large", "x".repeat(70)).replace("END:VEVENT", `${LONG}END:VEVENT`);
  equal((await request("PUT", "/alice/work/large.ics", large, CALENDAR)).status, 201);
  await stream.until(/"topic":"https:[^"]*\/alice\/work\/"/);
  await service.until(() => service.messages(device).some(({ text }) => tokenIn(text) && topicIn(text) === topic));
  ok((await request("GET", "/alice/work/large.ics")).text.length > 5_000_000);

  const destination = `${dav}/alice/work/moved.ics`;
  equal((await request("MOVE", "/alice/work/large.ics", undefined, { destination })).status, 201);
  equal((await request("DELETE", "/alice/work/moved.ics")).status, 200);
  equal((await request("DELETE", location)).status, 204);
}

/** 5 MB, in lines as calendars have them. */
const LONG = `COMMENT:${"y".repeat(60)}\r\n`.repeat(75_000);

/** An event stream by curl, as far as it is open. */
async function listen({ url, worker, ca }: Behind, topic: string) {
  const token = await accessToken({ url, local: worker.local }, { subscribe: [topic] });
  const address = `${url}/.well-known/mercure?match=${encodeURIComponent(topic)}`;
  const running = startProcess("curl", {
    args: ["-sSN", "--cacert", ca, "-H", `Authorization: Bearer ${token}`, address],
  });
  await running.until(/^id: /m);
  return running;
}

/** The commands of the document, and what they print. */
async function check({ dav, url, ca }: Behind): Promise<string> {
  const script = blockOf("sh check").replaceAll("https://dav.example.com", dav).replace(
    "https://push.example.com",
    url,
  );
  const env = { ADMIN_TOKEN: ADMIN, CURL_CA_BUNDLE: ca };
  const { stdout, stderr } = await new Deno.Command("bash", { args: ["-e", "-c", script], env }).output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

const FRONTS: [Front, string][] = [[nginx, "nginx"], [caddy, "caddy"]];

for (const [front, block] of FRONTS) {
  const test = await component(front.name, async () => await findRadicale() && await findFront(front));

  test(`dav gateway: ${front.name}: a client's day goes through it, and the commands show what they should`, async () => {
    await using behind = await openBehind(front, blockOf(block));
    await spendDay(behind);
    // As the table of symptoms says, of a host that is not the DAV door's.
    const elsewhere = await behind.request("GET", `${behind.url}/alice/work/`);
    equal([elsewhere.status, JSON.parse(elsewhere.text).code], [404, "not_found"]);
    const shown = await check(behind);
    ok(/^dav:.*webdav-push/im.test(shown) && /vapid-public-key/.test(shown) && topicIn(shown), shown);
    ok(/^carillon_dav_homes 0$/m.test(shown) && /^carillon_dav_unread_total 0$/m.test(shown), shown);
  });

  test(`dav gateway: ${front.name}: a server that redirects to http leads to https`, async () => {
    const folder = await Deno.makeTempDir(), port = freePort(), dav = `https://${DAV_HOST}:${port}`;
    await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen }, ({ headers }) => {
      return new Response(null, {
        status: 301,
        headers: { location: `http://${headers.get("host")}/remote.php/dav/` },
      });
    });
    await using _ = await front.start(blockOf(block), { port, worker: server.addr.port, folder });
    using client = Deno.createHttpClient({ caCerts: [certificates.ca] });
    const response = await fetch(`${dav}/.well-known/caldav`, { client, redirect: "manual" });
    equal([response.headers.get("location"), await response.text()], [`${dav}/remote.php/dav/`, ""]);
    await Deno.remove(folder, { recursive: true });
  });
}

function onListen(): void {}
