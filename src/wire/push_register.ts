/** Registering for WebDAV-Push (draft-bitfire-webdav-push, `push-register`), as clients of both generations write it. */
import type { Depth } from "../model/change.ts";
import type { PushKeys, Triggers } from "../model/subscription.ts";
import { childOf, parseXml, XmlFault, type XmlNode } from "./xml.ts";

export const PUSH_NAMESPACE = "https://bitfire.at/webdav-push";

const DAV = "{DAV:}", PUSH = `{${PUSH_NAMESPACE}}`;

/** Names of properties that one trigger may name. */
const MAX_PROPS = 100;

/** What a client registers; `triggers` is undefined where it names none that we know. `expiresAt`: milliseconds since 1970. */
export type PushRegister = {
  address: string;
  keys: PushKeys;
  triggers: Triggers | undefined;
  expiresAt?: number;
};

/** What the draft calls a registration that it does not take. */
export class InvalidSubscription extends Error {}

/** Reads a document whose root is `push-register`; undefined when it has another one. Throws `InvalidSubscription`. */
export function parsePushRegister(text: string): PushRegister | undefined {
  const root = readRoot(text);
  if (root.name !== `${PUSH}push-register`) return undefined;
  const subscription = find(find(root, "subscription"), "web-push-subscription");
  if (!subscription) throw new InvalidSubscription("it holds no web-push-subscription");
  return { ...readSubscription(subscription), triggers: readTriggers(root), ...readExpires(root) };
}

function readRoot(text: string): XmlNode {
  try {
    return parseXml(text);
  } catch (thrown) {
    throw thrown instanceof XmlFault ? new InvalidSubscription(thrown.message) : thrown;
  }
}

function readSubscription(node: XmlNode): { address: string; keys: PushKeys } {
  const address = find(node, "push-resource")?.text.trim();
  const key = find(node, "subscription-public-key"), auth = find(node, "auth-secret")?.text.trim();
  // DAVx5 up to 4.5 leaves it out; nothing else was ever defined.
  const encoding = find(node, "content-encoding")?.text.trim() ?? "aes128gcm";
  if (!address) throw new InvalidSubscription("it holds no push-resource");
  if (encoding !== "aes128gcm") throw new InvalidSubscription("its content-encoding is not aes128gcm");
  if (!key || !auth) throw new InvalidSubscription("it holds no subscription-public-key, or no auth-secret");
  if ((key.attributes.type ?? "p256dh") !== "p256dh") throw new InvalidSubscription("its key is not of type p256dh");
  return { address, keys: { p256dh: key.text.trim(), auth } };
}

/** DAVx5 up to 4.5 names none, and wants to know of its members. */
function readTriggers(root: XmlNode): Triggers | undefined {
  const trigger = find(root, "trigger");
  if (!trigger) return { content: { depth: "1" } };
  const content = find(trigger, "content-update"), property = find(trigger, "property-update");
  if (!content && !property) return undefined;
  return {
    ...(content && { content: { depth: readDepth(content, "1") } }),
    ...(property && { property: { depth: readDepth(property, "0"), props: readProps(property) } }),
  };
}

/** One that is not known falls back. */
function readDepth(node: XmlNode, otherwise: Depth): Depth {
  const depth = find(node, "depth", DAV)?.text.trim();
  return depth === "0" || depth === "1" || depth === "infinity" ? depth : otherwise;
}

function readProps(node: XmlNode): string[] {
  const names = find(node, "prop", DAV)?.children.map(({ name }) => name) ?? [];
  if (names.length > MAX_PROPS) throw new InvalidSubscription(`it names more than ${MAX_PROPS} properties`);
  return names;
}

/** RFC 9110 5.6.7: IMF-fixdate. What is no date is as if nobody had asked. */
function readExpires(root: XmlNode): { expiresAt?: number } {
  const text = find(root, "expires")?.text.trim() ?? "";
  const time = /^\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(time) ? {} : { expiresAt: time };
}

const find = (node: XmlNode | undefined, local: string, namespace = PUSH) => childOf(node, namespace + local);
