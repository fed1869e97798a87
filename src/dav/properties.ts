/**
 * The properties by which a client finds push: those of draft-bitfire-webdav-push ("Service detection") and those of
 * CC/CD 70025.
 */
import { REFRESH_INTERVAL, WEB_PUSH } from "../model/subscription.ts";
import { findOffer, type Offer } from "../model/transport.ts";
import { DAV_PUSH_NAMESPACE } from "../wire/dav_subscribe.ts";
import { escapeXml } from "../wire/xml.ts";
import { PUSH_NAMESPACE } from "../wire/push_register.ts";
import { clark } from "./names.ts";
import type { Pushable } from "./pushable.ts";

/** Prints properties of a namespace, each with its name. */
const printer = (namespace: string) => (local: string, inside: string): [string, string] => [
  clark(namespace, local),
  `<P:${local} xmlns:P="${namespace}">${inside}</P:${local}>`,
];
const push = printer(PUSH_NAMESPACE), davPush = printer(DAV_PUSH_NAMESPACE);
const depth = (depth: string) => `<D:depth xmlns:D="DAV:">${depth}</D:depth>`;

export type Topics = {
  /** What WebDAV-Push calls the collection to its client. */
  hash: string;
  /** What CC/CD 70025 calls it. */
  sealed: string;
};

/** XML by name, for a resource that has push: always the same names. */
export type PropertiesOf = (pushable: Pushable, topics: Topics) => Map<string, string>;

/** `subscribeUrl` is where a client of CC/CD 70025 subscribes. */
export function createPropertiesOf(offers: Offer[], subscribeUrl: string): PropertiesOf {
  const vapidKey = findOffer(offers, WEB_PUSH).data["vapid-public-key"]!;
  const webPush = `<P:web-push><P:vapid-public-key type="p256ecdsa">${vapidKey}</P:vapid-public-key></P:web-push>`;
  const href = `<D:href xmlns:D="DAV:">${subscribeUrl}</D:href>`;
  const fixed = [
    push("transports", webPush),
    // The example of CC/CD 70025 says `subscribe-URL`, its definition of the version `push-version`.
    davPush("push-subscribe-URL", href),
    davPush("subscribe-URL", href),
    davPush("supported-transport-set", printTransports(offers)),
    davPush("refresh-interval", `${REFRESH_INTERVAL}`),
    davPush("version", "1"),
    davPush("push-version", "1"),
  ];
  return (pushable, { hash, sealed }) =>
    new Map([
      ...fixed,
      push("topic", hash),
      davPush("topic", sealed),
      push("supported-triggers", printTriggers(pushable)),
    ]);
}

/** An empty transport: the client may bring its own. */
function printTransports(offers: Offer[]): string {
  return offers.map(printTransport).join("") + "<P:transport/>";
}

function printTransport({ uri, refreshInterval, data }: Offer): string {
  const known = Object.entries(data).map(([name, value]) => `<P:${name}>${escapeXml(value)}</P:${name}>`).join("");
  return `<P:transport><P:transport-uri>${escapeXml(uri)}</P:transport-uri>` +
    `<P:refresh-interval>${refreshInterval}</P:refresh-interval>` +
    (known && `<P:transport-data>${known}</P:transport-data>`) + "</P:transport>";
}

function printTriggers({ content, property }: Pushable): string {
  return (content ? `<P:content-update>${depth("infinity")}</P:content-update>` : "") +
    (property ? `<P:property-update>${depth("infinity")}</P:property-update>` : "");
}
