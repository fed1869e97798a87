/** Which calendars and address books are meant: those of an address, or else those of its user's homes. */
import { parseUrl } from "../../src/client/watch/address.ts";
import { ask, type DavEffects } from "../../src/client/watch/dav.ts";
import { createLook, type Look } from "../../src/client/watch/look.ts";
import { childrenOf, find, parseXml, type XmlNode } from "../../src/client/watch/xml.ts";
import { Refusal } from "../lib/command.ts";

/** An address to watch, and what is there. */
export type Found = { url: string; look: Look };

const DAV = "{DAV:}";

/** RFC 5397 3. */
const PRINCIPAL = `${DAV}current-user-principal`;

/** RFC 4791 6.2.1, RFC 6352 7.1.1. */
const HOMES = [
  "{urn:ietf:params:xml:ns:caldav}calendar-home-set",
  "{urn:ietf:params:xml:ns:carddav}addressbook-home-set",
];

const PROPFIND =
  '<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" ' +
  'xmlns:A="urn:ietf:params:xml:ns:carddav"><prop><current-user-principal/><C:calendar-home-set/>' +
  "<A:addressbook-home-set/></prop></propfind>";

/** Throws a `ReceiverError`, and `Refusal` where there is nothing to watch. */
export async function discover(effects: DavEffects, url: string): Promise<Found[]> {
  const look = await createLook(effects, url)();
  if (look.collections.length > 0) return [{ url, look }];
  const homes = await findHomes(effects, url);
  if (homes.length === 0) {
    throw new Refusal("there is no calendar and no address book: give --url of one, or of a home");
  }
  return await Promise.all(homes.map(async (home) => ({ url: home, look: await createLook(effects, home)() })));
}

async function findHomes(effects: DavEffects, url: string): Promise<string[]> {
  const properties = await propertiesOf(effects, url), homes = hrefsOf(properties, HOMES, url);
  const [principal] = hrefsOf(properties, [PRINCIPAL], url);
  if (homes.length > 0 || principal === undefined) return homes;
  return hrefsOf(await propertiesOf(effects, principal), HOMES, principal);
}

async function propertiesOf(effects: DavEffects, url: string): Promise<XmlNode[]> {
  const headers = { "content-type": "application/xml; charset=utf-8", depth: "0" };
  const { text } = await ask(effects, url, { method: "PROPFIND", headers, body: PROPFIND }, [207]);
  return childrenOf(parseXml(text), `${DAV}response`).flatMap((node) => childrenOf(node, `${DAV}propstat`))
    .flatMap((propstat) => find(propstat, `${DAV}prop`)?.children ?? []);
}

/** Addresses of another origin are left out: they would be sent the password. */
function hrefsOf(properties: XmlNode[], names: string[], url: string): string[] {
  const hrefs = properties.filter(({ name }) => names.includes(name)).flatMap((each) => childrenOf(each, `${DAV}href`))
    .flatMap(({ text }) => parseUrl(text.trim(), url) ?? []);
  const own = hrefs.filter(({ origin, username, password }) =>
    origin === new URL(url).origin && !username && !password
  );
  return [...new Set(own.map(({ href }) => href))];
}
