/** The day of the curl client: what it asks in order, and the answers that the standards allow. */
import { printEvent } from "../../lib/calendar.ts";
import type { Place } from "../kinds.ts";
import { askForms } from "./curl_forms.ts";
import { synchronise } from "./curl_sync.ts";
import * as documents from "./documents.ts";

export type Asked = {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: string;
  /** The statuses that the standards allow here. */
  expect: number[];
  /** More arguments for curl. */
  flags?: string[];
  anonymous?: boolean;
};

export type Answer = { status: number; heads: string[]; body: string };

export type Ask = (name: string, asked: Asked) => Promise<Answer>;

export const XML = { "content-type": "application/xml; charset=utf-8" };
export const EVENT = { "content-type": "text/calendar; charset=utf-8" };
const CARD = { "content-type": "text/vcard; charset=utf-8" };

export async function spendDay(place: Place, ask: Ask): Promise<void> {
  const calendar = `${place.calendars}interop/`;
  await discover(place, ask);
  await makeCalendar(calendar, place, ask);
  await putItems(calendar, ask);
  if (!place.plain) await useCalendar(calendar, ask);
  if (!place.plain) await keepContacts(`${place.contacts}people/`, ask);
  await beConditional(`${calendar}cond.ics`, ask);
  await moveAndCopy(calendar, place, ask);
  await lock(calendar, ask);
  await askForms(place, calendar, ask);
  await ask("DELETE calendar", { method: "DELETE", path: calendar, expect: [200, 204] });
  await ask("PROPFIND a deleted calendar", {
    method: "PROPFIND",
    path: calendar,
    headers: { depth: "0" },
    expect: [404],
  });
}

async function discover({ root, calendars, contacts }: Place, ask: Ask): Promise<void> {
  const find = (depth: string, body: string) => ({
    method: "PROPFIND",
    headers: { ...XML, depth },
    body,
    expect: [207],
  });
  await ask("OPTIONS", { method: "OPTIONS", path: calendars, expect: [200, 204] });
  await ask("PROPFIND principal", { path: root, ...find("0", documents.PRINCIPAL) });
  await ask("PROPFIND homes", { path: calendars, ...find("0", documents.HOMES) });
  await ask("PROPFIND calendars", { path: calendars, ...find("1", documents.COLLECTIONS) });
  await ask("PROPFIND address books", { path: contacts, ...find("1", documents.COLLECTIONS) });
  await ask("PROPFIND allprop", { path: calendars, ...find("0", documents.ALLPROP) });
  await ask("PROPFIND propname", { path: calendars, ...find("0", documents.PROPNAME) });
  await ask("PROPFIND broken XML", { path: calendars, ...find("0", "<propfind"), expect: [400] });
  const wellKnown = [200, 207, 301, 302, 303, 307, 308, 401];
  for (const name of ["caldav", "carddav"]) {
    await ask(`GET well-known ${name}`, { method: "GET", path: `/.well-known/${name}`, expect: wellKnown });
  }
}

async function makeCalendar(path: string, { plain }: Place, ask: Ask): Promise<void> {
  if (plain) return void await ask("MKCOL", { method: "MKCOL", path, expect: [201] });
  await ask("MKCALENDAR", { method: "MKCALENDAR", path, headers: XML, body: documents.MKCALENDAR, expect: [201] });
  await ask("MKCALENDAR again", { method: "MKCALENDAR", path, expect: [403, 405, 409] });
}

async function putItems(path: string, ask: Ask): Promise<void> {
  const put = (name: string, body: string) => ({ method: "PUT", path: path + name, headers: EVENT, body });
  await ask("PUT event", { ...put("1.ics", printEvent("1", "One")), expect: [201, 204] });
  await ask("PUT second event", { ...put("2.ics", printEvent("2", "Zwölf")), expect: [201, 204] });
  await ask("PUT task", { ...put("task.ics", documents.TASK), expect: [201, 204] });
  await ask("GET event", { method: "GET", path: `${path}1.ics`, expect: [200] });
  await ask("HEAD event", { method: "HEAD", path: `${path}1.ics`, expect: [200] });
  await ask("GET missing event", { method: "GET", path: `${path}none.ics`, expect: [404] });
  await ask("GET collection", { method: "GET", path, expect: [200, 403, 404, 405, 501] });
  await ask("PROPPATCH", { method: "PROPPATCH", path, headers: XML, body: documents.RENAME, expect: [207] });
  const find = { method: "PROPFIND", path, headers: { ...XML, depth: "1" }, body: documents.COLLECTIONS };
  await ask("PROPFIND after PROPPATCH", { ...find, expect: [207] });
}

async function useCalendar(path: string, ask: Ask): Promise<void> {
  const report = { method: "REPORT", path, headers: { ...XML, depth: "1" }, expect: [207] };
  await ask("REPORT calendar-query", { ...report, body: documents.CALENDAR_QUERY });
  await ask("REPORT calendar-query by time", { ...report, body: documents.TIME_QUERY });
  const hrefs = [`${path}1.ics`, `${path}none.ics`];
  await ask("REPORT calendar-multiget", { ...report, body: documents.calendarMultiget(...hrefs) });
  await ask("REPORT free-busy-query", { ...report, body: documents.FREE_BUSY, expect: [200] });
  await ask("REPORT unknown", { ...report, body: documents.UNKNOWN_REPORT, expect: [400, 403, 415, 501] });
  const bad = { method: "PUT", path: `${path}bad.ics`, headers: EVENT, body: "no calendar" };
  await ask("PUT what is no calendar", { ...bad, expect: [400, 403, 412, 415] });
  await synchronise(path, "1.ics", printEvent("1", "Changed"), EVENT, ask);
}

async function keepContacts(path: string, ask: Ask): Promise<void> {
  const put = (name: string, body: string) => ({ method: "PUT", path: path + name, headers: CARD, body });
  await ask("MKCOL address book", { method: "MKCOL", path, headers: XML, body: documents.MKCOL, expect: [201] });
  await ask("PUT card", { ...put("1.vcf", documents.printCard("1", "Ada")), expect: [201, 204] });
  await ask("PUT second card", { ...put("2.vcf", documents.printCard("2", "Grace")), expect: [201, 204] });
  await ask("GET card", { method: "GET", path: `${path}1.vcf`, expect: [200] });
  const report = { method: "REPORT", path, headers: { ...XML, depth: "1" }, expect: [207] };
  await ask("REPORT addressbook-query", { ...report, body: documents.ADDRESSBOOK_QUERY });
  const hrefs = [`${path}1.vcf`, `${path}none.vcf`];
  await ask("REPORT addressbook-multiget", { ...report, body: documents.addressbookMultiget(...hrefs) });
  await ask("DELETE card", { method: "DELETE", path: `${path}2.vcf`, expect: [200, 204] });
  await synchronise(path, "1.vcf", documents.printCard("1", "Changed"), CARD, ask);
  await ask("DELETE address book", { method: "DELETE", path, expect: [200, 204] });
}

async function beConditional(path: string, ask: Ask): Promise<void> {
  const put = (headers: Record<string, string>, summary: string, expect: number[]) => ({
    method: "PUT",
    path,
    headers: { ...EVENT, ...headers },
    body: printEvent("cond", summary),
    expect,
  });
  await ask("PUT If-None-Match new", put({ "if-none-match": "*" }, "New", [201, 204]));
  await ask("PUT If-None-Match old", put({ "if-none-match": "*" }, "Old", [412]));
  const { heads } = await ask("HEAD for its etag", { method: "HEAD", path, expect: [200] });
  const etag = /^etag:\s*(.*)$/im.exec(heads.join("\n"))?.[1] ?? '"none"';
  await ask("PUT If-Match wrong", put({ "if-match": '"wrong"' }, "Wrong", [412]));
  await ask("PUT If-Match right", put({ "if-match": etag }, "Right", [200, 201, 204]));
  await ask("GET If-None-Match changed", { method: "GET", path, headers: { "if-none-match": etag }, expect: [200] });
  await ask("DELETE If-Match stale", { method: "DELETE", path, headers: { "if-match": etag }, expect: [412] });
  await ask("DELETE event", { method: "DELETE", path, expect: [200, 204] });
  await ask("DELETE event again", { method: "DELETE", path, expect: [404] });
}

async function moveAndCopy(path: string, { origin }: Place, ask: Ask): Promise<void> {
  const to = (name: string, overwrite = "F") => ({ destination: `${origin}${path}${name}`, overwrite });
  const from = (name: string) => path + name;
  await ask("MOVE event", { method: "MOVE", path: from("2.ics"), headers: to("moved.ics"), expect: [200, 201, 204] });
  await ask("MOVE onto another", {
    method: "MOVE",
    path: from("moved.ics"),
    headers: to("1.ics"),
    expect: [403, 409, 412],
  });
  await ask("MOVE from nowhere", { method: "MOVE", path: from("2.ics"), headers: to("x.ics"), expect: [404] });
  await ask("MOVE by path", {
    method: "MOVE",
    path: from("moved.ics"),
    headers: { destination: from("2.ics"), overwrite: "T" },
    expect: [201, 204],
  });
  await ask("MOVE to another server", {
    method: "MOVE",
    path: from("2.ics"),
    headers: { destination: `http://elsewhere.example${path}2.ics` },
    expect: [400, 403, 409, 502],
  });
  await ask("COPY event", {
    method: "COPY",
    path: from("2.ics"),
    headers: to("copy.ics", "T"),
    expect: [201, 204, 403, 409],
  });
}

async function lock(path: string, ask: Ask): Promise<void> {
  const item = `${path}1.ics`;
  const { heads } = await ask("LOCK event", {
    method: "LOCK",
    path: item,
    headers: { ...XML, depth: "0", timeout: "Second-60" },
    body: documents.LOCK,
    expect: [200],
  });
  const token = /^lock-token:\s*(.*)$/im.exec(heads.join("\n"))?.[1] ?? "<opaquelocktoken:none>";
  const put = { method: "PUT", path: item, body: printEvent("1", "Locked") };
  await ask("PUT without the lock", { ...put, headers: EVENT, expect: [423] });
  await ask("PUT with the lock", { ...put, headers: { ...EVENT, if: `(${token})` }, expect: [200, 201, 204] });
  await ask("UNLOCK event", { method: "UNLOCK", path: item, headers: { "lock-token": token }, expect: [204] });
}
