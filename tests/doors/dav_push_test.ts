/** WebDAV-Push from end to end: Radicale behind a worker, the messages of real clients, our push service. */
import { component } from "../helpers/component.ts";
import { equal, ok } from "../helpers/assert.ts";
import { openPushService, type TestSubscription } from "../helpers/push_service.ts";
import { findRadicale, startRadicale } from "../helpers/radicale.ts";
import { davClient } from "../helpers/radicale_client.ts";
import { printEvent } from "../../scripts/lib/calendar.ts";
import { testWorker } from "../helpers/worker.ts";
import { faultsOf, findXmllint } from "../helpers/xmllint.ts";

const DAY = 86_400_000;
const XML = { "content-type": "application/xml; charset=utf-8" };
const PUSH = "https://bitfire.at/webdav-push";

/** As DAVx5 asks for the collections of a home. */
const FIND =
  `<propfind xmlns="DAV:" xmlns:P="${PUSH}"><prop><P:transports/><P:topic/><P:supported-triggers/></prop></propfind>`;

const fixture = (name: string) => Deno.readTextFileSync(new URL(`../fixtures/webdav-push/${name}`, import.meta.url));

/** A client's own document, for a subscription of our push service. */
function registerOf(name: string, { address, keys }: TestSubscription): string {
  return fixture(name).replace(/https:\/\/up\.example\.net\/\w+/, address)
    .replace(/BCVxsr7N_[\w-]+/, keys.p256dh).replace(/BTBZMqHH6r4Tts7J_aSIgg/, keys.auth);
}

/** Radicale with a calendar and an address book of alice's, a worker before it, and a push service. */
async function openAll() {
  const things = new AsyncDisposableStack();
  const radicale = things.use(await startRadicale());
  const service = things.use(await openPushService());
  const env = { CARILLON_UPSTREAM: radicale.url, CARILLON_PUSH_HOSTS: `127.0.0.1:${service.port}` };
  const worker = things.use(await testWorker({ ca: service.ca, env }));
  const [alice, bob] = ["alice", "bob"].map((user) => davClient(worker.url, user));
  await alice!.makeCalendar("/alice/work/");
  await alice!.makeAddressBook("/alice/people/");
  return { radicale, service, worker, alice: alice!, bob: bob!, [Symbol.asyncDispose]: () => things.disposeAsync() };
}

const topicIn = (text: string) => /<(?:\w+:)?topic[^>]*>([\w-]{22})<\//.exec(text)?.[1];
const tokenIn = (text: string) => /<D:sync-token>([^<]+)</.exec(text)?.[1];

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
    equal((await all.alice.request("POST", path, registerOf("davx5-next-register.xml", device), XML)).status, 201);
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
    const { headers } = await all.alice.request(
      "POST",
      "/alice/work/",
      registerOf("davx5-next-register.xml", device),
      XML,
    );
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
  const { headers } = await all.alice.request(
    "POST",
    "/alice/work/",
    registerOf("davx5-next-register.xml", devices[0]!),
    XML,
  );
  equal(headers.get("location"), locations[0]);
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
