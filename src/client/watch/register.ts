/** Registering for push, by WebDAV-Push and by CC/CD 70025, with a push subscription. */
import type { SubscriptionJson } from "../receiver.ts";
import { ReceiverError } from "../receiver_error.ts";
import { ownAddress } from "./address.ts";
import { type Advertised, DAV_PUSH, WEB_PUSH_URI, WEBDAV_PUSH } from "./advertised.ts";
import { ask, type DavEffects } from "./dav.ts";
import { escapeXml } from "./xml_text.ts";

/**
 * `location` is where it ends, and its name in `Push-Dont-Notify`; `madeAt` is in milliseconds since 1970 by our own clock,
 * `lasts` in milliseconds.
 */
export type Registration = { location: string; madeAt: number; lasts: number };

/** Milliseconds that a registration lasts which does not say (as DAVx5 takes it). */
const UNSAID = 3 * 86_400_000;

const HEADERS = { "content-type": "application/xml; charset=utf-8" };

export type Registering = {
  /** The collection. */
  url: string;
  push: Advertised;
  subscription: SubscriptionJson;
  /** CC/CD 70025 `Push-Client-Id`: whose own writes are not told. */
  clientId: string;
  now: () => number;
};

/** Registers, or renews: the same subscription for the same collection stays one. Throws as `ask`, or `not_followed`. */
export async function register(effects: DavEffects, registering: Registering): Promise<Registration> {
  const { url, push: { subscribeUrl = url }, now } = registering, madeAt = now();
  const body = registering.push.subscribeUrl ? printSubscribe(registering) : printRegister(registering);
  const { headers } = await ask(effects, subscribeUrl, { method: "POST", headers: HEADERS, body }, [200, 201, 204]);
  const location = headers.get("location") ?? "";
  // It is kept as it was written: `Push-Dont-Notify` is compared byte for byte.
  if (!ownAddress(location, subscribeUrl) || !/^[!#-~]+$/.test(location)) {
    throw new ReceiverError("not_followed", "a registration has no address of the DAV server's own origin");
  }
  return { location, madeAt, lasts: readLife(headers, madeAt) };
}

/** By the server's own clock, where it shows it. What has ended at once is a header of another kind, as PHP sends it. */
function readLife(headers: Headers, now: number): number {
  const [date, until] = ["date", "expires"].map((name) => Date.parse(headers.get(name) ?? ""));
  const life = until! - (Number.isNaN(date) ? now : date!);
  return life > 0 ? life : UNSAID;
}

/** Ends one, also where it has ended. */
export async function unregister(effects: DavEffects, { location }: Registration): Promise<void> {
  await ask(effects, location, { method: "DELETE" }, [200, 202, 204, 404, 410]);
}

function printRegister({ subscription: { endpoint, keys } }: Registering): string {
  return `<?xml version="1.0" encoding="utf-8"?><push-register xmlns="${WEBDAV_PUSH}" xmlns:D="DAV:">` +
    `<subscription><web-push-subscription><push-resource>${escapeXml(endpoint)}</push-resource>` +
    `<content-encoding>aes128gcm</content-encoding>` +
    `<subscription-public-key type="p256dh">${escapeXml(keys.p256dh)}</subscription-public-key>` +
    `<auth-secret>${escapeXml(keys.auth)}</auth-secret></web-push-subscription></subscription>` +
    "<trigger><content-update><D:depth>1</D:depth></content-update></trigger></push-register>";
}

function printSubscribe({ push, subscription: { endpoint, keys }, clientId }: Registering): string {
  const triggers = { content: { depth: "1" } }, data = JSON.stringify({ endpoint, keys, clientId, triggers });
  return `<?xml version="1.0" encoding="utf-8"?><subscribe xmlns="${DAV_PUSH}"><topic>${
    escapeXml(push.topic)
  }</topic>` +
    `<selected-transport><transport-uri>${WEB_PUSH_URI}</transport-uri>` +
    `<client-data>${escapeXml(data)}</client-data></selected-transport></subscribe>`;
}
