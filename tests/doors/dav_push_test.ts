/** WebDAV-Push from end to end: Radicale behind a worker, the messages of real clients, our push service. */
import { component } from "../helpers/component.ts";
import { equal, ok } from "../helpers/assert.ts";
import { FIND, openAll, PUSH, registerAt, registerOf, tokenIn, topicIn, until, XML } from "../helpers/dav_push.ts";
import { keptIn } from "../helpers/kept.ts";
import { memoryKv } from "../helpers/broker.ts";
import { openPushService, type TestSubscription } from "../helpers/push_service.ts";
import { findRadicale, startRadicale } from "../helpers/radicale.ts";
import { freshVapidJwk } from "../helpers/vapid_keys.ts";
import { testWorker } from "../helpers/worker.ts";
import { importVapidKey } from "../../src/wire/vapid.ts";
import type { JWK } from "jose";
import { MAX_OWNED_AT } from "../../src/access/quotas.ts";
import { type DavClient, davClient } from "../helpers/radicale_client.ts";
import { printEvent } from "../../scripts/lib/calendar.ts";
import { witness } from "../helpers/witness.ts";
import { faultsOf, findXmllint } from "../helpers/xmllint.ts";

const DAY = 86_400_000;

const test = await component("Radicale", findRadicale);
const testByXmllint = await component("xmllint", findXmllint);

test("dav push: a client finds push on calendars and address books, and on nothing else", async () => {
  await using all = await openAll();
  const options = await all.alice.request("OPTIONS", "/alice/work/");
  ok(options.headers.get("dav")!.split(/, */).includes("webdav-push"));
  const { text, status } = await all.alice.request("PROPFIND", "/alice/", FIND, { depth: "1", ...XML });
  equal(status, 207);
  const responses = new Map(
    text.split("<response>").slice(1).map((each) => [/<href>([^<]*)/.exec(each)![1]!, each] as const),
  );
  const { transports: [{ vapidPublicKey: key }] } = await (await fetch(`${all.worker.url}/-/transports`)).json();
  for (const path of ["/alice/work/", "/alice/people/"]) {
    const response = responses.get(path)!;
    ok(
      topicIn(response) && response.includes(key) && response.includes("200 OK") && !response.includes("404"),
      response,
    );
    ok(!response.includes("resourcetype") && !response.includes("current-user-principal"));
  }
  // Her principal, and her home.
  const home = responses.get("/alice/")!;
  ok(topicIn(home) && home.includes("content-update") && home.includes("property-update"), home);
  equal(new Set([...responses.values()].map(topicIn)).size, 3);
  await all.alice.putEvent("/alice/work/", "1");
  for (const path of ["/", "/alice/work/1.ics"]) {
    const { text } = await all.alice.request("PROPFIND", path, FIND, { depth: "0", ...XML });
    ok(!topicIn(text) && text.includes("404") && !text.includes("200 OK"), text);
  }
});

test("dav push: where the server is asked one thing at a time, clients find push all the same, and register", async () => {
  await using all = await openAll({}, { CARILLON_UPSTREAM_CONNECTIONS: "1" });
  const find = (client: DavClient) => client.request("PROPFIND", "/alice/", FIND, { depth: "1", ...XML });
  const found = await Promise.all([find(all.alice), find(all.alice), find(all.alice)]);
  equal(found.map(({ text }) => text.split("webdav-push").length > 2 && topicIn(text) !== undefined), [
    true,
    true,
    true,
  ]);
  equal((await registerAt(all.alice, "/alice/work/", all.service.subscribe())).status, 201);
});

for (const client of ["davx5-4.5-register.xml", "davx5-next-register.xml", "sample-push-register.xml"]) {
  testByXmllint(
    `dav push: ${client}: registered, told what another client wrote, and the token leads to it`,
    async (xmllint) => {
      await using all = await openAll();
      const device = all.service.subscribe();
      const { status, headers } = await all.alice.request("POST", "/alice/work/", registerOf(client, device), XML);
      const location = headers.get("location")!, expires = Date.parse(headers.get("expires")!);
      equal([status, location.startsWith(`${all.worker.url}/-/registrations/`)], [201, true]);
      ok(expires - Date.now() > 2.9 * DAY && expires - Date.now() <= 7 * DAY, headers.get("expires")!);
      await all.service.until(() => all.service.messages(device).length === 1);

      const { text } = await all.alice.request("PROPFIND", "/alice/work/", FIND, { depth: "0", ...XML });
      const before = await syncOf(all.alice);
      await all.alice.putEvent("/alice/work/", "new");
      await all.service.until(() => all.service.messages(device).some(({ text }) => text.includes("sync-token")));
      const told = all.service.messages(device).at(-1)!;
      equal(topicIn(told.text), topicIn(text));
      equal(await faultsOf(xmllint, told.text, "push-message"), "");
      const after = await syncOf(all.alice);
      equal([tokenIn(told.text), after.token === before.token], [after.token, false]);
      ok((await changesSince(all.alice, before.token)).includes("/alice/work/new.ics"));
    },
  );
}

test("dav push: address books ring as calendars do, and only who registered for them", async () => {
  await using all = await openAll();
  const [people, work] = [all.service.subscribe(), all.service.subscribe()];
  for (const [path, device] of [["/alice/people/", people], ["/alice/work/", work]] as const) {
    equal((await registerAt(all.alice, path, device)).status, 201);
    await all.service.until(() => all.service.messages(device).length === 1);
  }
  await all.alice.putCard("/alice/people/", "1");
  await all.service.until(() => all.service.messages(people).length === 2);
  equal(all.service.messages(work).length, 1);
});

test("dav push: the same device for the same collection is renewed in its place, and ends when it is told to", async () => {
  await using all = await openAll();
  const device = all.service.subscribe(), document = registerOf("davx5-next-register.xml", device);
  const first = await all.alice.request("POST", "/alice/work/", document, XML);
  const again = await all.alice.request("POST", "/alice/work/", document, XML);
  const other = await all.alice.request("POST", "/alice/people/", document, XML);
  equal([first.status, again.status, other.status], [201, 204, 201]);
  equal(again.headers.get("location"), first.headers.get("location"));
  ok(other.headers.get("location") !== first.headers.get("location"));
  const path = new URL(first.headers.get("location")!).pathname;
  equal((await all.bob.request("DELETE", path)).status, 404);
  equal((await davClient(all.worker.url, "alice", "wrong").request("DELETE", path)).status, 401);
  equal((await all.alice.request("GET", path)).status, 405);
  equal((await all.alice.request("DELETE", path)).status, 204);
  equal((await all.alice.request("DELETE", path)).status, 404);
});

test("dav push: who may not read a collection hears what the upstream says, and is told of nothing", async () => {
  await using all = await openAll();
  const document = registerOf("davx5-next-register.xml", all.service.subscribe());
  equal((await all.bob.request("POST", "/alice/work/", document, XML)).status, 403);
  const { status, headers } = await davClient(all.worker.url, "alice", "wrong").request(
    "POST",
    "/alice/work/",
    document,
    XML,
  );
  equal([status, headers.get("www-authenticate")?.startsWith("Basic")], [401, true]);
  equal((await all.alice.request("POST", "/alice/none/", document, XML)).status, 404);
  equal(all.service.requests.length, 0);
});

test("dav push: what cannot be registered is 403 with its precondition, and another POST is the upstream's", async () => {
  await using all = await openAll();
  const good = registerOf("davx5-next-register.xml", all.service.subscribe());
  const cases: [path: string, body: string, condition: string][] = [
    ["/alice/work/", "", "invalid-subscription"],
    ["/alice/work/", good.slice(0, 200), "invalid-subscription"],
    ["/alice/work/", good.replace(/https:\/\/127\.0\.0\.1:\d+/, "https://10.0.0.1"), "invalid-subscription"],
    ["/alice/work/", good.replace(/<ns0:auth-secret>[^<]*/, "<ns0:auth-secret>AAAA"), "invalid-subscription"],
    ["/alice/work/", good.replace(/<ns0:trigger>.*<\/ns0:trigger>/, "<ns0:trigger/>"), "no-trigger-supported"],
    ["/", good, "push-not-available"],
  ];
  for (const [path, body, condition] of cases) {
    const { status, text } = await all.alice.request("POST", path, body, XML);
    equal([status, text.includes(`<${condition} xmlns="${PUSH}"/>`)], [403, true], `${condition}: ${text}`);
  }
  const through = await all.alice.request("POST", "/alice/work/", "<other/>", XML);
  const direct = await all.radicale.as("alice").request("POST", "/alice/work/", "<other/>", XML);
  equal([through.status, through.text], [direct.status, direct.text]);
});

test("dav push: who writes need not be told, as far as the registrations are their own", async () => {
  await using all = await openAll();
  const devices = [1, 2].map(() => all.service.subscribe()), locations: string[] = [];
  for (const device of devices) {
    const { headers } = await registerAt(all.alice, "/alice/work/", device);
    locations.push(headers.get("location")!);
    await all.service.until(() => all.service.messages(device).length === 1);
  }
  const tokensOf = (device: TestSubscription) => all.service.messages(device).map(({ text }) => tokenIn(text));
  /** Which devices are told of a write, when the next one tells both of what came meanwhile. */
  const write = async (n: number, field: string): Promise<string> => {
    const headers = { "content-type": "text/calendar", "push-dont-notify": field };
    equal((await all.alice.request("PUT", `/alice/work/${n}.ics`, printEvent(`${n}`, "x"), headers)).status, 201);
    return (await syncOf(all.alice)).token;
  };
  const first = await write(1, `"${locations[0]}"`);
  await all.service.until(() => tokensOf(devices[1]!).includes(first));
  const second = await write(2, `"${locations[1]}x", nonsense, "https://elsewhere.example/", "${locations[1]}"`);
  await all.service.until(() => tokensOf(devices[0]!).includes(second));
  equal([tokensOf(devices[0]!).includes(first), tokensOf(devices[1]!).includes(second)], [false, false]);
  const { headers } = await registerAt(all.alice, "/alice/work/", devices[0]!);
  equal(headers.get("location"), locations[0]);
});

/** What of a resource is supported. */
async function triggersOf(client: DavClient, path: string): Promise<string[]> {
  const { text } = await client.request("PROPFIND", path, FIND, { depth: "0", ...XML });
  return ["content-update", "property-update"].filter((trigger) => text.includes(`<P:${trigger}>`));
}

const withTrigger = (document: string, trigger: string) =>
  document.replace(/<ns0:trigger>.*<\/ns0:trigger>/, `<ns0:trigger>${trigger}</ns0:trigger>`);

const depth = (text: string) => `<depth xmlns="DAV:">${text}</depth>`;

test("dav push: a home tells of new collections, of members' members where that is asked for, and of properties", async () => {
  await using all = await openAll();
  equal(await triggersOf(all.alice, "/alice/"), ["content-update", "property-update"]);
  const wanted = {
    members: `<ns0:content-update>${depth("1")}</ns0:content-update>`,
    below: `<ns0:content-update>${depth("infinity")}</ns0:content-update>`,
    properties: `<ns0:property-update>${depth("0")}</ns0:property-update>`,
    below_properties: `<ns0:property-update>${depth("1")}</ns0:property-update>`,
  };
  const devices = new Map(Object.keys(wanted).map((name) => [name, all.service.subscribe()]));
  for (const [name, device] of devices) {
    const document = withTrigger(registerOf("davx5-next-register.xml", device), wanted[name as keyof typeof wanted]);
    equal((await all.alice.request("POST", "/alice/", document, XML)).status, 201);
  }
  const messages = (name: string) => all.service.messages(devices.get(name)!);
  const counts = () => Object.keys(wanted).map((name) => messages(name).length).join();
  await all.service.until(() => counts() === "1,1,1,1");
  await all.alice.putEvent("/alice/work/", "1");
  await all.service.until(() => counts() === "1,2,1,1");
  await all.alice.rename("/alice/work/", "Arbeit");
  await all.alice.rename("/alice/", "Alice");
  await all.alice.makeAddressBook("/alice/more/");
  await all.service.until(() => counts() === "2,3,2,2");
  for (const [name, update] of [["members", "content"], ["below", "content"], ["properties", "property"]] as const) {
    const other = update === "content" ? "property" : "content";
    const { text } = messages(name).at(-1)!;
    equal([text.includes(`<${update}-update`), text.includes(`<${other}-update`)], [true, false], name);
  }
});

test("dav push: what of the triggers a resource does not have is left out, and nothing left is an error", async () => {
  await using all = await openAll({ config: { rights: { type: "authenticated" } } });
  await all.bob.makeCalendar("/bob/home/");
  // Somebody else's: a principal, and no home of alice's.
  equal(await triggersOf(all.alice, "/bob/"), ["property-update"]);
  const register = (trigger: string) =>
    all.alice.request(
      "POST",
      "/bob/",
      withTrigger(registerOf("davx5-next-register.xml", all.service.subscribe()), trigger),
      XML,
    );
  const { status, text } = await register("<ns0:content-update/>");
  equal([status, text.includes("no-supported-trigger"), text.includes("no-trigger-supported")], [403, true, true]);
  equal((await register("<ns0:content-update/><ns0:property-update/>")).status, 201);
});

test("dav push: a collection that is deleted rings who shows it, and its registrations end when its reader has seen that", async () => {
  await using all = await openAll();
  const device = all.service.subscribe();
  equal(
    (await registerAt(all.alice, "/alice/people/", device)).status,
    201,
  );
  await all.service.until(() => all.service.messages(device).length === 1);
  await all.alice.remove("/alice/people/");
  await all.service.until(() => all.service.messages(device).length === 2);
  equal(
    (await davClient(all.worker.url, "alice", "wrong").request("PROPFIND", "/alice/people/", FIND, XML)).status,
    401,
  );
  equal((await all.bob.request("PROPFIND", "/alice/people/", FIND, XML)).status, 403);
  equal(await all.stored(), 1);
  equal((await all.alice.request("PROPFIND", "/alice/people/", FIND, { depth: "0", ...XML })).status, 404);
  await until(async () => await all.stored() === 0);
});

/** Rights of Radicale by rules. */
const rightsOf = (bob: string) =>
  `[root]\nuser: .+\ncollection:\npermissions: R\n[own]\nuser: .+\ncollection: {user}(/.*)?\npermissions: RrWw\n[bob]\nuser: bob\ncollection: alice/work\npermissions: ${bob}\n`;

test("dav push: who may not read any more is told no more when the upstream has said so, and others are", async () => {
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, rightsOf("r"));
  await using all = await openAll({ config: { rights: { type: "from_file", file } } });
  const devices = [all.service.subscribe(), all.service.subscribe()];
  for (const [n, client] of [all.alice, all.bob].entries()) {
    const { status } = await registerAt(client, "/alice/work/", devices[n]!);
    equal(status, 201);
    await all.service.until(() => all.service.messages(devices[n]!).length === 1);
  }
  await Deno.writeTextFile(file, rightsOf(""));
  await all.radicale.restart();
  // Neither a REPORT with a token that is too old, nor somebody else's 403.
  const old = `<sync-collection xmlns="DAV:"><sync-token>http://radicale.org/ns/sync/${
    "0".repeat(64)
  }</sync-token><sync-level>1</sync-level><prop/></sync-collection>`;
  ok((await all.alice.request("REPORT", "/alice/work/", old, XML)).status >= 400);
  equal(await all.stored(), 2);
  equal((await all.bob.request("REPORT", "/alice/work/", old, XML)).status, 403);
  await until(async () => await all.stored() === 1);
  await all.alice.putEvent("/alice/work/", "1");
  await all.service.until(() => all.service.messages(devices[0]!).length === 2);
  equal(all.service.messages(devices[1]!).length, 1);
  await Deno.remove(file);
});

test("dav push: who is refused with the password that registered is told no more, and a wrong one ends nothing", async () => {
  await using all = await openAll();
  const device = all.service.subscribe();
  equal(
    (await registerAt(all.alice, "/alice/work/", device)).status,
    201,
  );
  equal((await davClient(all.worker.url, "alice", "guess").request("GET", "/alice/work/1.ics")).status, 401);
  await Deno.writeTextFile(`${all.radicale.folder}/users`, "bob:bob\n");
  equal((await all.alice.request("GET", "/alice/people/1.vcf")).status, 401);
  equal(await all.stored(), 1);
  equal((await all.alice.request("GET", "/alice/work/1.ics")).status, 401);
  await until(async () => await all.stored() === 0);
});

testByXmllint("dav push: a new VAPID key is told by the old one, of no topic, once", async (xmllint) => {
  await using radicale = await startRadicale();
  await using service = await openPushService();
  await using kv = await memoryKv();
  const [old, fresh] = [await freshVapidJwk(), await freshVapidJwk()];
  const open = (keys: JWK[], more: Record<string, string> = {}) => {
    const env = { CARILLON_UPSTREAM: radicale.url, CARILLON_PUSH_HOSTS: `127.0.0.1:${service.port}`, ...more };
    return testWorker({ kv, ca: service.ca, env: { ...env, CARILLON_VAPID_KEY: JSON.stringify(keys) } });
  };
  await radicale.as("alice").makeCalendar("/alice/work/");
  const device = service.subscribe({ vapidKey: (await importVapidKey(old)).point });
  const first = await open([old]);
  await first.minute();
  const document = registerOf("davx5-next-register.xml", device);
  equal((await davClient(first.url, "alice").request("POST", "/alice/work/", document, XML)).status, 201);
  await service.until(() => service.messages(device).length === 1);
  await first.stop();

  await using second = await open([fresh, old], { PORT: new URL(first.url).port });
  for (let minute = 0; minute < 3; minute++) await second.minute();
  await service.until(() => service.messages(device).length === 2);
  const { text } = service.messages(device).at(-1)!;
  equal([topicIn(text), await faultsOf(xmllint, text, "push-message")], [undefined, ""]);
  ok(/<property-update><D:prop><transports\/><\/D:prop><\/property-update>/.test(text), text);
  await second.minute();
  await davClient(second.url, "alice").putEvent("/alice/work/", "1");
  await service.until(() => service.messages(device).length === 3);
  ok(service.messages(device).at(-1)!.text.includes("sync-token"));
});

test("dav push: one user registers so many and no more", async () => {
  await using all = await openAll();
  const answers: number[] = [];
  for (let n = 0; n < MAX_OWNED_AT + 3; n++) {
    const { status, headers } = await registerAt(all.alice, "/alice/work/", all.service.subscribe());
    answers.push(status);
    if (status === 429) equal(headers.get("content-type"), "application/problem+json");
  }
  equal(answers, [...Array(MAX_OWNED_AT).fill(201), 429, 429, 429]);
});

async function syncOf(client: ReturnType<typeof davClient>): Promise<{ token: string; text: string }> {
  const body = `<propfind xmlns="DAV:"><prop><sync-token/></prop></propfind>`;
  const { text } = await client.request("PROPFIND", "/alice/work/", body, { depth: "0", ...XML });
  return { token: /<sync-token>([^<]+)/.exec(text)![1]!, text };
}

async function changesSince(client: ReturnType<typeof davClient>, token: string): Promise<string> {
  const body =
    `<sync-collection xmlns="DAV:"><sync-token>${token}</sync-token><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>`;
  return (await client.request("REPORT", "/alice/work/", body, XML)).text;
}

test("dav push: the credentials of whoever registers are kept neither in the database nor in a log", async () => {
  using seen = witness();
  await using all = await openAll();
  for (const secret of ["alice:alice", "bob:bob"]) seen.keep(btoa(secret));
  const device = all.service.subscribe();
  equal((await registerAt(all.alice, "/alice/work/", device)).status, 201);
  equal((await registerAt(all.bob, "/alice/work/", all.service.subscribe())).status, 403);
  await until(async () => (await all.stored()) === 1);
  const kept = await keptIn(all.worker.kv);
  ok(kept.includes(device.address));
  seen.hear(kept);
  seen.testify();
});
