/** The day of the tsdav client: a calendar and an address book, each made, filled, changed, synchronised. */
import { DAVClient, type DAVCollection, type DAVObject, type DAVResponse } from "tsdav";
import { printEvent } from "../../lib/calendar.ts";
import type { Place } from "../kinds.ts";
import { printCard } from "./documents.ts";

/** Does one step; what it answers are its lines, and what it throws is how it failed. */
export type Act = (name: string, run: () => Promise<string[]>) => Promise<void>;

type Sort = { sort: "caldav" | "carddav"; client: DAVClient; url: string; names: string[]; print: typeof printEvent };

const STALE = '"stale"';

export async function spendDay(place: Place, act: Act): Promise<void> {
  const { origin, calendars, contacts } = place;
  await keepCalendar(await logIn(place, "caldav", act), `${origin}${calendars}ts-work/`, act);
  await keepContacts(await logIn(place, "carddav", act), `${origin}${contacts}ts-people/`, act);
}

async function logIn({ origin, root, user, password }: Place, sort: Sort["sort"], act: Act): Promise<DAVClient> {
  const credentials = { username: user, password };
  const client = new DAVClient({
    serverUrl: origin + root,
    credentials,
    authMethod: "Basic",
    defaultAccountType: sort,
  });
  await act(`${sort}: log in`, async () => {
    await client.login();
    return [`${client.account?.principalUrl}`, `${client.account?.homeUrl}`];
  });
  return client;
}

async function keepCalendar(client: DAVClient, url: string, act: Act): Promise<void> {
  const day: Sort = { sort: "caldav", client, url, names: ["1.ics", "2.ics"], print: printEvent };
  await act("caldav: make", async () => {
    return printAnswers(mustBeOk(await client.makeCalendar({ url, props: { "d:displayname": "Of tsdav" } })));
  });
  await act("caldav: list", async () => printCollections(await client.fetchCalendars()));
  await useItems(day, act, (objectUrls) => client.fetchCalendarObjects({ calendar: { url }, objectUrls }));
  await act("caldav: fetch by time", async () => {
    const timeRange = { start: "2026-11-24T00:00:00Z", end: "2026-11-25T00:00:00Z" };
    return printObjects(await client.fetchCalendarObjects({ calendar: { url }, timeRange }));
  });
}

async function keepContacts(client: DAVClient, url: string, act: Act): Promise<void> {
  const day: Sort = { sort: "carddav", client, url, names: ["1.vcf", "2.vcf"], print: printCard };
  const props = { "d:resourcetype": { "d:collection": {}, "card:addressbook": {} }, "d:displayname": "Of tsdav" };
  await act("carddav: make", async () => printAnswers(mustBeOk(await client.makeCollection({ url, props }))));
  await act("carddav: list", async () => printCollections(await client.fetchAddressBooks()));
  await useItems(day, act, (objectUrls) => client.fetchVCards({ addressBook: { url }, objectUrls }));
}

async function useItems(day: Sort, act: Act, fetchItems: (urls?: string[]) => Promise<DAVObject[]>): Promise<void> {
  const { sort, client, url, names } = day;
  for (const name of names) await act(`${sort}: create ${name}`, () => create(day, name));
  await act(`${sort}: create what exists`, () => create(day, names[0]!, 412));
  await act(`${sort}: fetch`, async () => printObjects(await fetchItems()));
  await act(`${sort}: fetch one`, async () => printObjects(await fetchItems([url + names[0]])));
  let token = "";
  await act(`${sort}: synchronise`, async () => {
    const answers = await synchronise(day);
    token = answers[0]?.raw?.multistatus?.syncToken ?? "";
    return printAnswers(answers);
  });
  await act(`${sort}: change`, () => change(day));
  await act(`${sort}: change what has changed`, () => change(day, STALE, 412));
  await act(`${sort}: delete`, () => client.deleteObject({ url: url + names[1] }).then(expect(200)));
  await act(`${sort}: synchronise what changed`, async () => printAnswers(await synchronise(day, token)));
  await act(`${sort}: is it dirty`, async () => {
    const { isDirty } = await client.isCollectionDirty({ collection: { url, ctag: STALE } });
    return [`${isDirty}`];
  });
  await act(`${sort}: reports`, async () => (await client.supportedReportSet({ collection: { url } })).sort());
  await act(`${sort}: fetch the rest`, async () => printObjects(await fetchItems()));
}

function create({ sort, client, url, names, print }: Sort, name: string, status = 200): Promise<string[]> {
  const headers = { ...typeOf(sort), "if-none-match": "*" }, uid = `${names.indexOf(name) + 1}`;
  return client.createObject({ url: url + name, data: print(uid, `Name ${uid}`), headers }).then(expect(status));
}

function change({ sort, client, url, names, print }: Sort, etag?: string, status = 200): Promise<string[]> {
  const data = print("1", `Changed ${etag ?? ""}`);
  return client.updateObject({ url: url + names[0], data, etag, headers: typeOf(sort) }).then(expect(status));
}

function synchronise({ client, url }: Sort, syncToken?: string): Promise<DAVResponse[]> {
  return client.syncCollection({ url, props: { "d:getetag": {} }, syncLevel: 1, syncToken });
}

function typeOf(sort: Sort["sort"]): Record<string, string> {
  return { "content-type": `${sort === "caldav" ? "text/calendar" : "text/vcard"}; charset=utf-8` };
}

/** tsdav throws for no status here. 200 stands for all that say that it was done. */
function expect(expected: number): (response: Response) => Promise<string[]> {
  return async ({ body, ok, status, statusText }) => {
    await body?.cancel();
    const line = `${status} ${statusText}`;
    if (ok ? expected === 200 : expected === status) return [line];
    throw new Error(line);
  };
}

function mustBeOk(answers: DAVResponse[]): DAVResponse[] {
  const bad = answers.find(({ ok }) => !ok);
  if (bad) throw new Error(`${bad.status} ${bad.statusText}`);
  return answers;
}

function printAnswers(answers: DAVResponse[]): string[] {
  return answers.map(({ href, status, statusText }) => `${href ?? ""} ${status} ${statusText}`).sort();
}

function printCollections(collections: DAVCollection[]): string[] {
  return collections.map(({ url, displayName, reports }) => `${url} ${JSON.stringify(displayName)} ${reports}`).sort();
}

function printObjects(objects: DAVObject[]): string[] {
  return objects.map(({ url, data }) => `${url} ${/^(?:SUMMARY|FN):.*/m.exec(`${data}`)?.[0].trim()}`).sort();
}
