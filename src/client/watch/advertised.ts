/** What a server says of push in the properties of a resource: WebDAV-Push, and CC/CD 70025. */
import { fromBase64Url } from "../base64url.ts";
import { ReceiverError } from "../receiver_error.ts";
import { ownAddress } from "./address.ts";
import { childrenOf, find, type XmlNode } from "./xml.ts";

export const WEBDAV_PUSH = "https://bitfire.at/webdav-push", DAV_PUSH = "urn:ietf:params:xml:ns:dav-push";

/** Web Push as CC/CD 70025 names it (`transport-uri`). */
export const WEB_PUSH_URI = "urn:ietf:rfc:8030";

/** A way to subscribe to one resource; `vapidKey` is the point, base64url, whose holder will push. */
export type Advertised = {
  topic: string;
  vapidKey: string;
  /** Where to subscribe by CC/CD 70025; undefined: by WebDAV-Push, at the resource itself. */
  subscribeUrl?: string;
};

/** Characters of a name. */
const MAX_TOPIC = 1_024;

/** Bytes of an uncompressed point. */
const POINT = 65;

type Properties = Map<string, XmlNode>;
type Report = (fault: ReceiverError) => void;

/** Undefined where there is nothing that can be used; what is there and is nonsense is reported. */
export function readAdvertised(properties: Properties, url: string, report: Report): Advertised | undefined {
  return readWebdavPush(properties, report) ?? readDavPush(properties, url, report);
}

/** draft-bitfire-webdav-push, "Service detection". */
function readWebdavPush(properties: Properties, report: Report): Advertised | undefined {
  const transports = properties.get(`{${WEBDAV_PUSH}}transports`);
  if (!transports || transports.children.length === 0) return undefined;
  const webPush = find(transports, `{${WEBDAV_PUSH}}web-push`);
  if (!webPush) return void report(unknown("WebDAV-Push"));
  const key = find(webPush, `{${WEBDAV_PUSH}}vapid-public-key`)?.text;
  return read(properties.get(`{${WEBDAV_PUSH}}topic`)?.text, key, report);
}

/** CC/CD 70025: of its transports Web Push alone is spoken here. */
function readDavPush(properties: Properties, url: string, report: Report): Advertised | undefined {
  const inside = (name: string) => properties.get(`{${DAV_PUSH}}${name}`);
  const href = find(inside("push-subscribe-URL"), "{DAV:}href")?.text.trim();
  const transports = childrenOf(inside("supported-transport-set"), `{${DAV_PUSH}}transport`);
  if (href === undefined || transports.length === 0) return undefined;
  const webPush = transports.find((each) => find(each, `{${DAV_PUSH}}transport-uri`)?.text.trim() === WEB_PUSH_URI);
  if (!webPush) return void report(unknown("CC/CD 70025"));
  const key = find(webPush, `{${DAV_PUSH}}transport-data`, `{${DAV_PUSH}}vapid-public-key`)?.text;
  const found = read(inside("topic")?.text, key, report), subscribeUrl = ownAddress(href, url);
  if (subscribeUrl) return found && { ...found, subscribeUrl };
  report(new ReceiverError("not_followed", "where to subscribe is no address of the DAV server's own origin"));
}

function read(topic = "", key = "", report: Report): Advertised | undefined {
  const [name, vapidKey] = [topic.trim(), key.trim()];
  const isPoint = fromBase64Url(vapidKey)?.byteLength === POINT;
  if (name !== "" && name.length <= MAX_TOPIC && isPoint) return { topic: name, vapidKey };
  report(new ReceiverError("malformed", "push is advertised without a topic, or without a VAPID key"));
}

function unknown(standard: string): ReceiverError {
  return new ReceiverError("no_transport", `the transports that ${standard} advertises are unknown here`);
}
