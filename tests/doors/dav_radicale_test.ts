/** A real Radicale behind a worker: what a client sees is the same, direct and through the DAV door. */
import { component } from "../helpers/component.ts";
import { equal, ok } from "../helpers/assert.ts";
import { findRadicale, startRadicale } from "../helpers/radicale.ts";
import { davClient, printCard } from "../helpers/radicale_client.ts";
import { testWorker } from "../helpers/worker.ts";
import { printEvent } from "../../scripts/lib/calendar.ts";

const test = await component("Radicale", findRadicale);

const XML = { "content-type": "application/xml" };
const PROPFIND = `<propfind xmlns="DAV:"><prop><resourcetype/><displayname/><getcontenttype/></prop></propfind>`;
const SYNC =
  `<sync-collection xmlns="DAV:"><sync-token/><sync-level>1</sync-level><prop><getcontenttype/></prop></sync-collection>`;
const QUERY =
  `<C:calendar-query xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><prop><C:calendar-data/></prop><C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>`;

type Step = [method: string, path: string, body?: string, headers?: Record<string, string>];

/** A client's day, calendars and contacts. */
const STEPS: Step[] = [
  ["OPTIONS", "/"],
  ["PROPFIND", "/", PROPFIND, { depth: "0", ...XML }],
  ["PROPFIND", "/.well-known/caldav", PROPFIND, { depth: "0", ...XML }],
  ["MKCALENDAR", "/alice/work/"],
  [
    "MKCOL",
    "/alice/people/",
    `<mkcol xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><set><prop><resourcetype><collection/><C:addressbook/></resourcetype></prop></set></mkcol>`,
    XML,
  ],
  ["PUT", "/alice/work/1.ics", printEvent("1", "Müsli & <Co>"), { "content-type": "text/calendar" }],
  ["PUT", "/alice/work/a%20b.ics", printEvent("a b", "two"), { "if-none-match": "*" }],
  ["PUT", "/alice/work/a%20b.ics", printEvent("a b", "three"), { "if-none-match": "*" }],
  ["PUT", "/alice/people/1.vcf", printCard("1", "Bob"), { "content-type": "text/vcard" }],
  ["GET", "/alice/work/1.ics"],
  ["HEAD", "/alice/work/1.ics"],
  ["GET", "/alice/work/none.ics"],
  ["PROPFIND", "/alice/", PROPFIND, { depth: "1", ...XML }],
  ["PROPFIND", "/alice/work/", `<propfind xmlns="DAV:"><allprop/></propfind>`, { depth: "1", ...XML }],
  ["REPORT", "/alice/work/", SYNC, { depth: "1", ...XML }],
  ["REPORT", "/alice/people/", SYNC, { depth: "1", ...XML }],
  ["REPORT", "/alice/work/", QUERY, { depth: "1", ...XML }],
  [
    "PROPPATCH",
    "/alice/work/",
    `<propertyupdate xmlns="DAV:"><set><prop><displayname>Arbeit</displayname></prop></set></propertyupdate>`,
    XML,
  ],
  ["MOVE", "/alice/work/1.ics", undefined, { destination: "/alice/work/2.ics" }],
  ["LOCK", "/alice/work/"],
  ["GET", "/bob/"],
  ["DELETE", "/alice/work/2.ics"],
  ["DELETE", "/alice/people/"],
  ["PROPFIND", "/alice/", "<not xml", { depth: "1", ...XML }],
];

/** What an answer says, without what differs from one moment to the next. */
function comparable(answer: { status: number; headers: Headers; text: string }) {
  const moving = [
    "date",
    "connection",
    "keep-alive",
    "transfer-encoding",
    "content-length",
    "server",
    "last-modified",
    "etag",
  ];
  const headers = [...answer.headers].filter(([name]) => !moving.includes(name))
    .map(([name, value]) => [name, name === "dav" ? value.replace(", webdav-push", "") : value]);
  const text = answer.text.replace(
    /<(\w+:)?(getetag|getlastmodified|creationdate|sync-token|getctag|getcontentlength)>[^<]*</g,
    "<$2>_<",
  )
    .replace(/"[0-9a-f]{64}"/g, '"_"').replace(/DTSTAMP:\S+/g, "DTSTAMP:_").replace(/DTSTART\S+|DTEND\S+/g, "_");
  return { status: answer.status, headers, text };
}

test("dav: a client of Radicale sees the same through the DAV door as directly", async () => {
  await using direct = await startRadicale();
  await using behind = await startRadicale();
  await using worker = await testWorker({ env: { CARILLON_UPSTREAM: behind.url } });
  const [one, other] = [direct.as("alice"), davClient(worker.url, "alice")];
  const statuses: number[] = [];
  for (const step of STEPS) {
    const [seen, through] = [await one.request(...step), await other.request(...step)];
    equal(comparable(through), comparable(seen), step.slice(0, 2).join(" "));
    statuses.push(through.status);
  }
  equal(statuses.filter((status) => status >= 500), []);
  ok(new Set(statuses).size >= 6, statuses.join());
});

test("dav: Radicale takes a MOVE to the address that its client knows", async () => {
  await using radicale = await startRadicale();
  await using worker = await testWorker({ env: { CARILLON_UPSTREAM: radicale.url } });
  const alice = davClient(worker.url, "alice");
  await alice.makeCalendar("/alice/work/");
  await alice.putEvent("/alice/work/", "1");
  const destination = `${worker.url}/alice/work/2.ics`;
  equal((await alice.request("MOVE", "/alice/work/1.ics", undefined, { destination })).status, 201);
  equal((await alice.request("GET", "/alice/work/2.ics")).status, 200);
});

test("dav: a wrong password is the upstream's to refuse, with its own challenge", async () => {
  await using radicale = await startRadicale();
  await using worker = await testWorker({ env: { CARILLON_UPSTREAM: radicale.url } });
  const { status, headers } = await davClient(worker.url, "alice", "wrong").request("GET", "/alice/");
  equal([status, headers.get("www-authenticate")?.split(" ")[0]], [401, "Basic"]);
});

test("dav: a Radicale that is restarted is found again by the next request", async () => {
  await using radicale = await startRadicale();
  await using worker = await testWorker({ env: { CARILLON_UPSTREAM: radicale.url } });
  const alice = davClient(worker.url, "alice");
  const ask = async () => (await alice.request("PROPFIND", "/", PROPFIND, { depth: "0", ...XML })).status;
  equal(await ask(), 207);
  await radicale.stop("SIGKILL");
  equal(await ask(), 502);
  await radicale.restart();
  equal(await ask(), 207);
});
