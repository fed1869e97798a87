/** CC/CD 70025 at the DAV door, from end to end: Radicale behind a worker, a push service of ours. */
import fc from "fast-check";
import { component } from "../helpers/component.ts";
import { equal, ok } from "../helpers/assert.ts";
import { openAll, XML } from "../helpers/dav_push.ts";
import type { TestSubscription } from "../helpers/push_service.ts";
import { findRadicale } from "../helpers/radicale.ts";
import { type DavClient, davClient } from "../helpers/radicale_client.ts";
import { printEvent } from "../../scripts/lib/calendar.ts";

const NAMESPACE = "urn:ietf:params:xml:ns:dav-push";
const DAY = 86_400_000;

const fixture = (name: string) => Deno.readTextFileSync(new URL(`../fixtures/cc-70025/${name}`, import.meta.url));

const test = await component("Radicale", findRadicale);

type All = Awaited<ReturnType<typeof openAll>>;

/** What the property of a collection says, by its local name. */
async function find(client: DavClient, path: string): Promise<Record<string, string>> {
  const { text } = await client.request("PROPFIND", path, fixture("propfind.xml"), { depth: "0", ...XML });
  const found = text.split("<propstat>").find((each) => each.includes("200 OK")) ?? "";
  const properties = found.matchAll(
    /<P:([\w-]+) xmlns:P="urn:ietf:params:xml:ns:dav-push">(.*?)<\/P:\1>(?=<P:\w[\w-]* xmlns|<\/prop>)/g,
  );
  return Object.fromEntries([...properties].map(([, name, inside]) => [name!, inside!]));
}

type Wanted = { uri?: string; clientData?: Record<string, unknown>; expires?: string };

function printSubscribe(
  topics: string[],
  { address, keys }: TestSubscription,
  { uri, clientData, expires }: Wanted = {},
) {
  const data = JSON.stringify({ ...(uri === undefined && { endpoint: address }), keys, ...clientData });
  return fixture("subscribe.xml").replace(
    /<P:topic>.*<\/P:topic>/,
    topics.map((topic) => `<P:topic>${topic}</P:topic>`).join(""),
  )
    .replace("https://push.example.com/transport", uri ?? "urn:ietf:rfc:8030").replace("XYZ", data)
    .replace(/<P:expires>.*<\/P:expires>/, expires === undefined ? "" : `<P:expires>${expires}</P:expires>`);
}

const subscribe = (client: DavClient, document: string) => client.request("POST", "/-/registrations", document, XML);

/** Topics of the messages that a device was sent. */
const told = ({ service }: All, device: TestSubscription): { topic: string; "sync-token"?: string }[] =>
  service.messages(device).flatMap(({ text }) => JSON.parse(text).push.messages);

async function subscribed(
  all: All,
  device: TestSubscription,
  wanted?: Wanted,
  paths = ["/alice/work/", "/alice/people/"],
) {
  const topics = [];
  for (const path of paths) topics.push((await find(all.alice, path)).topic!);
  const answer = await subscribe(all.alice, printSubscribe(topics, device, wanted));
  return { topics, ...answer };
}

test("dav subscribe: calendars, address books and homes say where and how, and give each reader a topic", async () => {
  await using all = await openAll();
  const url = `<D:href xmlns:D="DAV:">${all.worker.url}/-/registrations</D:href>`;
  const topics = new Set<string>();
  for (const path of ["/alice/work/", "/alice/people/", "/alice/"]) {
    const { topic, ...rest } = await find(all.alice, path);
    equal([rest["push-subscribe-URL"], rest.version], [url, "1"]);
    ok(rest["supported-transport-set"]!.includes("<P:transport-uri>urn:ietf:rfc:8030</P:transport-uri>"));
    ok(rest["supported-transport-set"]!.endsWith("<P:transport/>"), "a client may bring its own");
    ok(/^[\w-]{40,}$/.test(topic!) && !atob(topic!.replace(/-/g, "+").replace(/_/g, "/")).includes("alice"), topic!);
    topics.add(topic!);
  }
  equal(topics.size, 3);
  equal((await find(all.alice, "/alice/work/")).topic, (await find(all.alice, "/alice/work/")).topic);
  equal(await find(all.alice, "/"), {});
});

for (
  const [what, isOwn] of [["the push service's transport", false], ["a transport of the client's own", true]] as const
) {
  test(`dav subscribe: many topics at once, by ${what}: each change is told by the topic's name`, async () => {
    await using all = await openAll();
    const device = all.service.subscribe();
    const { status, headers, topics } = await subscribed(all, device, isOwn ? { uri: device.address } : {});
    equal([status, headers.get("location")!.startsWith(`${all.worker.url}/-/registrations/`)], [201, true]);
    const expires = Date.parse(headers.get("expires")!);
    ok(expires > Date.now() + 6.9 * DAY && expires <= Date.now() + 7 * DAY);
    await all.service.until(() => all.service.messages(device).length === 1);
    await all.alice.putEvent("/alice/work/", "1");
    await all.service.until(() => told(all, device).some(({ topic }) => topic === topics[0]));
    await all.alice.putCard("/alice/people/", "1");
    await all.service.until(() => told(all, device).some(({ topic }) => topic === topics[1]));
    ok(told(all, device).every((message) => message["sync-token"]?.startsWith("http")));
    const path = new URL(headers.get("location")!).pathname;
    equal([(await all.bob.request("DELETE", path)).status, (await all.alice.request("DELETE", path)).status], [
      404,
      204,
    ]);
    equal(await all.stored(), 0);
  });
}

test("dav subscribe: the same device again is renewed in its place, and a past end leaves the topics", async () => {
  await using all = await openAll();
  const device = all.service.subscribe();
  const first = await subscribed(all, device), again = await subscribed(all, device);
  equal([first.status, again.status, again.headers.get("location")], [201, 204, first.headers.get("location")]);
  const past = { expires: "2017-10-07T12:00:00Z" };
  equal((await subscribed(all, device, past, ["/alice/work/"])).status, 204);
  equal(await all.stored(), 1);
  const stranger = davClient(all.worker.url, "alice", "wrong");
  equal((await subscribe(stranger, printSubscribe(first.topics, device, past))).status, 401);
  equal(await all.stored(), 1);
  equal((await subscribed(all, device, past, ["/alice/people/"])).status, 204);
  equal(await all.stored(), 0);
});

test("dav subscribe: what the caller may not read is named as invalid, and nothing is stored", async () => {
  await using all = await openAll();
  await all.bob.makeCalendar("/bob/home/");
  const device = all.service.subscribe();
  const mine = (await find(all.alice, "/alice/work/")).topic!, theirs = (await find(all.bob, "/bob/home/")).topic!;
  const gone = (await find(all.alice, "/alice/people/")).topic!;
  await all.radicale.as("alice").remove("/alice/people/");
  for (const bad of [[theirs], [mine, theirs], ["made-up"], [mine, gone], ["", mine], ["&lt;/topic>"]]) {
    const { status, text } = await subscribe(all.alice, printSubscribe(bad, device));
    ok(status === 403 && text.includes(`<invalid-topics xmlns="${NAMESPACE}"><topic>`), `${bad}: ${status} ${text}`);
  }
  const { text } = await subscribe(all.alice, printSubscribe([mine, gone], device));
  equal([text.includes(gone), text.includes(mine)], [true, false]);
  equal((await subscribe(all.bob, printSubscribe([mine], device))).status, 403);
  equal((await subscribe(davClient(all.worker.url, "alice", "wrong"), printSubscribe([mine], device))).status, 401);
  equal([await all.stored(), all.service.requests.length], [0, 0]);
});

test("dav subscribe: a document that cannot be used says why, and changes nothing", async () => {
  await using all = await openAll();
  const device = all.service.subscribe(), topic = (await find(all.alice, "/alice/work/")).topic!;
  const good = printSubscribe([topic], device);
  const cases: [document: string, condition: string][] = [
    ["", "invalid-subscribe"],
    [good.slice(0, 100), "invalid-subscribe"],
    [`<!DOCTYPE a [<!ENTITY b "c">]>${good.replace(/<\?.*\?>\s*/, "")}`, "invalid-subscribe"],
    [good.replaceAll("P:subscribe", "P:other"), "invalid-subscribe"],
    [good.replace(/<P:topic>.*<\/P:topic>/, ""), "invalid-subscribe"],
    [printSubscribe(Array.from({ length: 101 }, (_, n) => `${n}`), device), "invalid-subscribe"],
    [printSubscribe([topic], device, { expires: "tomorrow" }), "invalid-subscribe"],
    [good.replace(/<P:selected-transport>.*<\/P:selected-transport>/, ""), "invalid-transport"],
    [printSubscribe([topic], device, { uri: "http://127.0.0.1/a" }), "invalid-transport"],
    [printSubscribe([topic], device, { uri: "https://10.0.0.1/a" }), "invalid-transport"],
    [printSubscribe([topic], device, { uri: "urn:ietf:rfc:9999" }), "invalid-transport"],
    [good.replace(/\{.*\}/, "XYZ"), "invalid-transport"],
    [good.replace(/"auth":"[^"]*"/, '"auth":"AA"'), "invalid-transport"],
  ];
  for (const [document, condition] of cases) {
    const { status, text } = await subscribe(all.alice, document);
    equal([status, text.includes(`<${condition} xmlns="${NAMESPACE}"/>`)], [403, true], `${document}\n${text}`);
  }
  equal(
    (await all.alice.request("POST", "/-/registrations", "{}", { "content-type": "application/json" })).status,
    415,
  );
  for (const method of ["GET", "PUT", "DELETE"]) {
    const { status, headers } = await all.alice.request(method, "/-/registrations");
    equal([status, headers.get("allow")], [405, "POST"]);
  }
  await fc.assert(
    fc.asyncProperty(fc.nat(good.length), fc.string(), async (at, text) => {
      const { status } = await subscribe(all.alice, good.slice(0, at) + text + good.slice(at + text.length));
      ok([201, 204, 403].includes(status), `${status}`);
    }),
    { numRuns: 50 },
  );
});

test("dav subscribe: the client that names itself is not told of what it wrote, and other users cannot hide theirs", async () => {
  await using all = await openAll({ config: { rights: { type: "authenticated" } } });
  const device = all.service.subscribe();
  const { status, topics } = await subscribed(all, device, { clientData: { clientId: "my phone" } });
  equal(status, 201);
  await all.service.until(() => all.service.messages(device).length === 1);
  const write = (client: DavClient, n: number, id: string) =>
    client.request("PUT", `/alice/work/${n}.ics`, printEvent(`${n}`, "x"), { "push-client-id": id });
  equal((await write(all.alice, 1, "my%20phone")).status, 201);
  equal((await write(all.bob, 2, "my%20phone")).status, 201);
  await all.service.until(() => told(all, device).length === 1);
  const [{ topic, "sync-token": token }] = told(all, device) as [{ topic: string; "sync-token": string }];
  equal([topic, token], [topics[0], await syncToken(all.alice)]);
});

async function syncToken(client: DavClient): Promise<string> {
  const body = `<propfind xmlns="DAV:"><prop><sync-token/></prop></propfind>`;
  const { text } = await client.request("PROPFIND", "/alice/work/", body, { depth: "0", ...XML });
  return /<sync-token>([^<]+)/.exec(text)![1]!;
}
