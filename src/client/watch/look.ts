/** One look at what is watched: which collections there are, where each stands, and what push is advertised there. */
import { ReceiverError } from "../receiver_error.ts";
import { findLink } from "../subscribe.ts";
import { isMember, parseUrl, pathOf } from "./address.ts";
import { type Advertised, DAV_PUSH, readAdvertised, WEBDAV_PUSH } from "./advertised.ts";
import { ask, type DavEffects } from "./dav.ts";
import { childrenOf, find, parseXml, type XmlNode } from "./xml.ts";

/** `mark` differs when its content does: the sync-token (RFC 6578), or else the ctag, or `undefined` for neither. */
export type Resource = {
  url: string;
  isCollection: boolean;
  isThere: boolean;
  mark?: string;
  syncToken?: string;
  push?: Advertised;
};

export type Look = {
  /** Calendars and address books. */
  collections: Resource[];
  /** Where they are listed, if that is what is watched. */
  home?: Resource;
  /** The paths (`pathOf`) of all that an answer names as being there. */
  listed: Set<string>;
  /** The hub of the Mercure protocol that it names. */
  hub?: string;
  /** What was advertised and is not used. */
  faults: ReceiverError[];
};

const DAV = "{DAV:}", CALENDAR_SERVER = "http://calendarserver.org/ns/";
const SHOWN = ["{urn:ietf:params:xml:ns:caldav}calendar", "{urn:ietf:params:xml:ns:carddav}addressbook"];

const PROPFIND = `<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:" xmlns:C="${CALENDAR_SERVER}" ` +
  `xmlns:P="${WEBDAV_PUSH}" xmlns:T="${DAV_PUSH}"><prop><resourcetype/><sync-token/><C:getctag/><P:transports/>` +
  "<P:topic/><T:push-subscribe-URL/><T:supported-transport-set/><T:topic/></prop></propfind>";

/** Which of a home's collections are looked at; then nobody wants to be told of the home itself. */
type Chosen = (url: string) => boolean;

/** Looks when it is called. Throws `refused`, `gone`, `unavailable`, `malformed` or `not_followed`. */
export function createLook(effects: DavEffects, url: string, chosen?: Chosen): () => Promise<Look> {
  let isHome = false;

  return async () => {
    const look = await lookAt(effects, url, isHome ? "1" : "0");
    // Members are asked for where it is none of those that hold events or cards, which may have thousands.
    const isOwn = look.collections.some((each) => each.url === url), isDone = isHome || isOwn;
    isHome = !isOwn;
    const all = isDone ? look : await lookAt(effects, url, "1");
    return chosen && isHome ? choose(all, chosen) : all;
  };
}

function choose({ collections, home, ...look }: Look, chosen: Chosen): Look {
  const kept = collections.filter(({ url }) => chosen(url));
  return {
    ...look,
    collections: kept,
    ...(home && { home: { url: home.url, isCollection: false, isThere: home.isThere } }),
  };
}

async function lookAt(effects: DavEffects, url: string, depth: "0" | "1"): Promise<Look> {
  const headers = { "content-type": "application/xml; charset=utf-8", depth };
  const answered = await ask(effects, url, { method: "PROPFIND", headers, body: PROPFIND }, [207]);
  const faults: ReceiverError[] = [], report = (fault: ReceiverError) => void faults.push(fault);
  const root = parseXml(answered.text);
  if (root.name !== `${DAV}multistatus`) throw new ReceiverError("malformed", "an answer was no multistatus");
  const all = childrenOf(root, `${DAV}response`).flatMap((node) => readResponse(node, url, report) ?? []);
  const collections = all.filter(({ isCollection }) => isCollection);
  const home = all.find((each) => each.url === url && !each.isCollection);
  const hub = readHub(answered.headers, url, report);
  const listed = new Set(all.filter(({ isThere }) => isThere).map((each) => pathOf(new URL(each.url))));
  return { collections, listed, ...(home && { home }), ...(hub && { hub }), faults };
}

/** A response is about the resource that was asked, or a member: whatever else it names is none of ours. */
function readResponse(node: XmlNode, url: string, report: (fault: ReceiverError) => void): Resource | undefined {
  const own = memberOf(find(node, `${DAV}href`)?.text.trim() ?? "", url);
  if (!own) return void report(new ReceiverError("not_followed", "an answer names a resource that was not asked for"));
  const properties = new Map(
    childrenOf(node, `${DAV}propstat`).filter((propstat) => isOk(find(propstat, `${DAV}status`)?.text))
      .flatMap((propstat) => find(propstat, `${DAV}prop`)?.children ?? []).map((property) => [property.name, property]),
  );
  const text = (name: string) => properties.get(name)?.text.trim() || undefined;
  const types = properties.get(`${DAV}resourcetype`)?.children.map(({ name }) => name) ?? [];
  const syncToken = text(`${DAV}sync-token`), ctag = text(`{${CALENDAR_SERVER}}getctag`), mark = syncToken ?? ctag;
  const push = readAdvertised(properties, url, report), isCollection = types.some((type) => SHOWN.includes(type));
  if (isCollection && mark === undefined) report(unmarked());
  return {
    url: own,
    isCollection,
    // What does not say what it is, as in a fault of the server's, is there all the same.
    isThere: !isAbsent(find(node, `${DAV}status`)?.text),
    ...(mark !== undefined && { mark }),
    ...(syncToken !== undefined && { syncToken }),
    ...(push && { push }),
  };
}

function unmarked(): ReceiverError {
  return new ReceiverError("malformed", "a collection has no sync-token and no ctag: its changes are not seen");
}

const isAbsent = (status = "") => /^\s*HTTP\/\d(\.\d)? (404|410)( |$)/.test(status);

const isOk = (status = "") => /^\s*HTTP\/\d(\.\d)? 200( |$)/.test(status);

/** Its address, or that of a direct member as the server writes it. */
function memberOf(href: string, url: string): string | undefined {
  const own = href !== "" && /^(\/(?!\/)|https?:\/\/)/i.test(href) ? parseUrl(href, url) : undefined,
    asked = new URL(url);
  if (own?.origin !== asked.origin || own.search || own.hash || own.username) return undefined;
  if (pathOf(own) === pathOf(asked)) return url;
  return isMember(own.href, url) ? own.href : undefined;
}

/** Mercure, "Discovery". */
function readHub(headers: Headers, url: string, report: (fault: ReceiverError) => void): string | undefined {
  const target = findLink(headers.get("link") ?? "", "mercure"), hub = target && parseUrl(target, url);
  if (!hub) return undefined;
  if (hub.origin === new URL(url).origin) return hub.href;
  report(new ReceiverError("not_followed", "the hub that is advertised is of another origin: name it if it is yours"));
}
