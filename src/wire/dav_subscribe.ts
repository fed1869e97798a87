/** How a client of a DAV server subscribes by CC/CD 70025: the `subscribe` document. */
import { MAX_TOPICS } from "../model/subscription.ts";
import { childOf, parseXml, XmlFault, type XmlNode } from "./xml.ts";

export const DAV_PUSH_NAMESPACE = "urn:ietf:params:xml:ns:dav-push";

const PUSH = `{${DAV_PUSH_NAMESPACE}}`;

/** What a client subscribes to. `expiresAt`: milliseconds since 1970; a past one leaves the topics. */
export type DavSubscribe = { topics: string[]; transportUri: string; clientData: string; expiresAt?: number };

/** What is wrong with the document, as the name of an element. */
export class InvalidSubscribe extends Error {}

/** Reads a document whose root is `subscribe`. Its topics are not checked. Throws `InvalidSubscribe`. */
export function parseDavSubscribe(text: string): DavSubscribe {
  const root = readRoot(text);
  const topics = root.children.filter(({ name }) => name === `${PUSH}topic`).map(({ text }) => text.trim());
  const transport = childOf(root, `${PUSH}selected-transport`);
  const transportUri = textOf(transport, "transport-uri"), clientData = textOf(transport, "client-data");
  if (topics.length === 0 || topics.length > MAX_TOPICS) throw new InvalidSubscribe("invalid-subscribe");
  if (!transportUri || !clientData) throw new InvalidSubscribe("invalid-transport");
  return { topics: [...new Set(topics)], transportUri, clientData, ...readExpires(textOf(root, "expires")) };
}

function readRoot(text: string): XmlNode {
  try {
    const root = parseXml(text);
    if (root.name === `${PUSH}subscribe`) return root;
  } catch (thrown) {
    if (!(thrown instanceof XmlFault)) throw thrown;
  }
  throw new InvalidSubscribe("invalid-subscribe");
}

/** RFC 3339, in UTC. */
function readExpires(text: string): { expiresAt?: number } {
  if (text === "") return {};
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(time)) throw new InvalidSubscribe("invalid-subscribe");
  return { expiresAt: time };
}

function textOf(node: XmlNode | undefined, local: string): string {
  return childOf(node, PUSH + local)?.text.trim() ?? "";
}
