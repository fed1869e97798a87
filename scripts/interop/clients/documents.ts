/** The bodies that the curl client sends. */

const HEAD = '<?xml version="1.0" encoding="utf-8"?>\n';
const SPACES = 'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CR="urn:ietf:params:xml:ns:carddav" ' +
  'xmlns:CS="http://calendarserver.org/ns/"';

const propfind = (properties: string) => `${HEAD}<propfind ${SPACES}><prop>${properties}</prop></propfind>`;

export const PRINCIPAL = propfind("<current-user-principal/><principal-URL/><resourcetype/>");
export const HOMES = propfind(
  "<C:calendar-home-set/><CR:addressbook-home-set/><C:calendar-user-address-set/><owner/><current-user-privilege-set/>",
);
export const COLLECTIONS = propfind(
  "<resourcetype/><displayname/><sync-token/><CS:getctag/><supported-report-set/>" +
    "<C:supported-calendar-component-set/><CR:supported-address-data/><C:calendar-description/>",
);
export const NAME = propfind("<displayname/><resourcetype/><getcontenttype/>");
export const ALLPROP = `${HEAD}<propfind ${SPACES}><allprop/></propfind>`;
export const PROPNAME = `${HEAD}<propfind ${SPACES}><propname/></propfind>`;

export const MKCALENDAR = `${HEAD}<C:mkcalendar ${SPACES}><set><prop><displayname>Interop</displayname>
<C:calendar-description>Of a client</C:calendar-description></prop></set></C:mkcalendar>`;
export const MKCOL = `${HEAD}<mkcol ${SPACES}><set><prop><resourcetype><collection/><CR:addressbook/></resourcetype>
<displayname>People</displayname></prop></set></mkcol>`;
export const RENAME =
  `${HEAD}<propertyupdate ${SPACES}><set><prop><displayname>Renamed &amp; ü</displayname></prop></set></propertyupdate>`;

const query = (filter: string) =>
  `${HEAD}<C:calendar-query ${SPACES}><prop><getetag/><C:calendar-data/></prop><C:filter>
<C:comp-filter name="VCALENDAR">${filter}</C:comp-filter></C:filter></C:calendar-query>`;
export const CALENDAR_QUERY = query('<C:comp-filter name="VEVENT"/>');
export const TIME_QUERY = query(
  '<C:comp-filter name="VEVENT"><C:time-range start="20261124T000000Z" end="20261125T000000Z"/></C:comp-filter>',
);
export const FREE_BUSY = `${HEAD}<C:free-busy-query ${SPACES}>
<C:time-range start="20261124T000000Z" end="20261125T000000Z"/></C:free-busy-query>`;
export const ADDRESSBOOK_QUERY = `${HEAD}<CR:addressbook-query ${SPACES}><prop><getetag/><CR:address-data/></prop>
<CR:filter><CR:prop-filter name="FN"><CR:text-match match-type="contains">Grace</CR:text-match></CR:prop-filter>
</CR:filter></CR:addressbook-query>`;
export const UNKNOWN_REPORT = `${HEAD}<X:report xmlns:X="urn:example:none"/>`;

const multiget = (name: string, data: string, hrefs: string[]) =>
  `${HEAD}<${name} ${SPACES}><prop><getetag/><${data}/></prop>${
    hrefs.map((href) => `<href>${href}</href>`).join("")
  }</${name}>`;
export const calendarMultiget = (...hrefs: string[]) => multiget("C:calendar-multiget", "C:calendar-data", hrefs);
export const addressbookMultiget = (...hrefs: string[]) =>
  multiget("CR:addressbook-multiget", "CR:address-data", hrefs);

export const syncCollection = (token: string) =>
  `${HEAD}<sync-collection ${SPACES}><sync-token>${token}</sync-token><sync-level>1</sync-level>
<prop><getetag/></prop></sync-collection>`;

export const LOCK = `${HEAD}<lockinfo ${SPACES}><lockscope><exclusive/></lockscope><locktype><write/></locktype>
<owner>alice</owner></lockinfo>`;
export const ACL = `${HEAD}<acl ${SPACES}><ace><principal><authenticated/></principal>
<grant><privilege><read/></privilege></grant></ace></acl>`;

export const TASK = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Carillon//EN", "BEGIN:VTODO", "UID:task"]
  .concat("DTSTAMP:20261123T000000Z", "SUMMARY:Task", "END:VTODO", "END:VCALENDAR", "").join("\r\n");

export function printCard(uid: string, name: string): string {
  return ["BEGIN:VCARD", "VERSION:3.0", `UID:${uid}`, `FN:${name}`, `N:${name};;;;`, "END:VCARD", ""].join("\r\n");
}
