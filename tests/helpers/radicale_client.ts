/** A small CalDAV and CardDAV client: speaks to Radicale itself, or to whatever stands in front of it. */

import { printEvent } from "../../scripts/lib/calendar.ts";

const MULTISTATUS = 207;

export type DavClient = ReturnType<typeof davClient>;

/** Requests of one user. Paths are below `url`, already percent-encoded: `/alice/work/`. Throws for another status. */
export function davClient(url: string, user: string, password = user) {
  const authorization = `Basic ${btoa(`${user}:${password}`)}`;

  /** Any request; answers status, headers and text, and throws nothing for a status. */
  async function request(method: string, path: string, body?: string, headers: Record<string, string> = {}) {
    const response = await fetch(url + path, { method, body, headers: { authorization, ...headers } });
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  async function expect(statuses: number[], ...[method, path, ...rest]: Parameters<typeof request>) {
    const answer = await request(method, path, ...rest);
    if (statuses.includes(answer.status)) return answer;
    throw new Error(`${method} ${path}: expected ${statuses.join(" or ")}: ${answer.status} ${answer.text}`);
  }

  const xml = { "content-type": "application/xml; charset=utf-8" };
  return {
    request,
    makeCalendar: (path: string) => expect([201], "MKCALENDAR", path),
    makeAddressBook: (path: string) => expect([201], "MKCOL", path, ADDRESS_BOOK, xml),
    /** Creates or replaces `UID.ics` in a calendar. */
    putEvent: (path: string, uid: string, summary = uid) =>
      expect([201, 204], "PUT", `${path}${uid}.ics`, printEvent(uid, summary), { "content-type": "text/calendar" }),
    /** Creates or replaces `UID.vcf` in an address book. */
    putCard: (path: string, uid: string, name = uid) =>
      expect([201, 204], "PUT", `${path}${uid}.vcf`, printCard(uid, name), { "content-type": "text/vcard" }),
    /** Deletes an item or a collection. */
    remove: (path: string) => expect([200, 204], "DELETE", path),
    /** PROPPATCH of the display name. */
    rename: (path: string, name: string) => expect([MULTISTATUS], "PROPPATCH", path, printRename(name), xml),
  };
}

const ADDRESS_BOOK = `<?xml version="1.0" encoding="utf-8"?>
<mkcol xmlns="DAV:" xmlns:CR="urn:ietf:params:xml:ns:carddav"><set><prop>
  <resourcetype><collection/><CR:addressbook/></resourcetype>
</prop></set></mkcol>`;

function printRename(name: string): string {
  return `<?xml version="1.0" encoding="utf-8"?>
<propertyupdate xmlns="DAV:"><set><prop><displayname>${name}</displayname></prop></set></propertyupdate>`;
}

export function printCard(uid: string, name: string): string {
  return ["BEGIN:VCARD", "VERSION:3.0", `UID:${uid}`, `FN:${name}`, `N:${name};;;;`, "END:VCARD", ""].join("\r\n");
}
