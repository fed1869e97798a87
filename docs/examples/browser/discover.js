/** Finding what a user has: the principal (RFC 5397), its homes (RFC 4791 6.2.1, RFC 6352 7.1.1), and what is in them. */
const DAV = "DAV:", CALDAV = "urn:ietf:params:xml:ns:caldav", CARDDAV = "urn:ietf:params:xml:ns:carddav";
const APPLE = "http://apple.com/ns/ical/", INF_IT = "http://inf-it.com/ns/ab/", PUSH = "https://bitfire.at/webdav-push";
const PREFIXES = `xmlns="${DAV}" xmlns:C="${CALDAV}" xmlns:A="${CARDDAV}" xmlns:I="${APPLE}" ` +
  `xmlns:B="${INF_IT}" xmlns:P="${PUSH}"`;

/** Answers `{url, home, name, kind, color, topic}` of each calendar and address book; throws what to show the user. */
export async function discover(url, authorization) {
  const [root] = await propfind(url, authorization, "0", `<current-user-principal/>${HOMES}`);
  const principal = linksIn(root, DAV, "current-user-principal")[0] ?? url;
  const [own] = principal === url ? [root] : await propfind(principal, authorization, "0", HOMES);
  const homes = new Set([
    ...linksIn(own, CALDAV, "calendar-home-set"),
    ...linksIn(own, CARDDAV, "addressbook-home-set"),
  ]);
  if (homes.size === 0) throw new Error("No calendars are named at this address: give that of the DAV server's root.");
  const found = await Promise.all([...homes].map((home) => membersOf(home, authorization)));
  return found.flat().sort((a, b) => a.name.localeCompare(b.name));
}

const HOMES = "<C:calendar-home-set/><A:addressbook-home-set/>";

async function membersOf(home, authorization) {
  const names = "<resourcetype/><displayname/><I:calendar-color/><B:addressbook-color/><P:topic/>";
  const all = await propfind(home, authorization, "1", names);
  return all.flatMap((response) => readCollection(response, home) ?? []);
}

function readCollection(response, home) {
  const has = (namespace, name) => response.found(namespace, name) !== undefined;
  const kind = has(CALDAV, "calendar") ? "calendar" : has(CARDDAV, "addressbook") ? "address book" : undefined;
  const text = (namespace, name) => response.found(namespace, name)?.textContent.trim();
  const name = text(DAV, "displayname") || nameOf(response.url);
  const color = text(APPLE, "calendar-color") ?? text(INF_IT, "addressbook-color");
  return kind && { url: response.url, home, name, kind, color, topic: text(PUSH, "topic") };
}

/** The last part of an address, for what has no name. */
function nameOf(url) {
  const part = new URL(url).pathname.split("/").filter(Boolean).at(-1) ?? url;
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The addresses in a property. One of another server is not sent the password. */
function linksIn(response, namespace, name) {
  const links = response?.found(namespace, name)?.getElementsByTagNameNS(DAV, "href") ?? [];
  const urls = [...links].map(({ textContent }) => new URL(textContent.trim(), response.url));
  return urls.filter(({ origin }) => origin === new URL(response.url).origin).map(({ href }) => href);
}

async function propfind(url, authorization, depth, properties) {
  const body = `<?xml version="1.0"?><propfind ${PREFIXES}><prop>${properties}</prop></propfind>`;
  const headers = { authorization, depth, "content-type": "application/xml; charset=utf-8" };
  const response = await fetch(url, { method: "PROPFIND", headers, body, redirect: "manual" }).catch(() => {
    const { origin } = new URL(url);
    throw new Error(`No answer from ${origin}: is Carillon running, and ${location.origin} in its CARILLON_ORIGINS?`);
  });
  if (response.status !== 207) throw new Error(adviceFor(response));
  return readMultistatus(await response.text(), url);
}

function adviceFor({ status, type }) {
  if (type === "opaqueredirect") return "The address leads elsewhere: give the one where it ends.";
  if (status === 401 || status === 403) return "The DAV server refused you: check user and password.";
  if (status >= 500) return `The DAV server is not there (${status}): check that it runs, and CARILLON_UPSTREAM.`;
  return `There is no DAV server at this address (${status}): check it, and CARILLON_UPSTREAM.`;
}

function readMultistatus(text, url) {
  const document = new DOMParser().parseFromString(text, "application/xml");
  return [...document.getElementsByTagNameNS(DAV, "response")].map((response) => ({
    url: new URL(response.getElementsByTagNameNS(DAV, "href")[0]?.textContent.trim() ?? "", url).href,
    found: (namespace, name) =>
      [...response.getElementsByTagNameNS(DAV, "propstat")].filter(isOk)
        .map((propstat) => propstat.getElementsByTagNameNS(namespace, name)[0]).find(Boolean),
  }));
}

const isOk = (propstat) => / 200( |$)/.test(propstat.getElementsByTagNameNS(DAV, "status")[0]?.textContent ?? "");
