/** What a push says: the message of WebDAV-Push, or that of CC/CD 70025, which an event stream shows as well. */
import { find, parseXml } from "./xml.ts";
import { WEBDAV_PUSH } from "./advertised.ts";

/** Without a topic it is about all; without a token somebody has to look. */
export type Told = { topic?: string; syncToken?: string };

/** Characters: a message of Web Push has 3,993 bytes, one of an event stream 48 KiB. */
const MAX_MESSAGE = 64 * 1024;

/** What is told, in any form; one message for what cannot be read, since something was told. */
export function readPushMessage(text: string): Told[] {
  if (text.length > MAX_MESSAGE) return [{}];
  try {
    return text.trimStart().startsWith("<") ? [readXml(text)] : readJson(JSON.parse(text));
  } catch {
    return [{}];
  }
}

/** draft-bitfire-webdav-push, `push-message`. */
function readXml(text: string): Told {
  const root = parseXml(text), inside = (...names: string[]) => find(root, ...names)?.text.trim() || undefined;
  if (root.name !== `{${WEBDAV_PUSH}}push-message`) return {};
  const topic = inside(`{${WEBDAV_PUSH}}topic`);
  const syncToken = inside(`{${WEBDAV_PUSH}}content-update`, "{DAV:}sync-token");
  return { ...(topic && { topic }), ...(syncToken && { syncToken }) };
}

/** `{"push": {"messages": […]}}`, or one message as an event stream shows it. */
function readJson(value: unknown): Told[] {
  const messages = memberOf(memberOf(value, "push"), "messages") ?? [value];
  return Array.isArray(messages) ? messages.map(readOne) : [{}];
}

function readOne(message: unknown): Told {
  const topic = memberOf(message, "topic"), syncToken = memberOf(message, "sync-token");
  return { ...(typeof topic === "string" && { topic }), ...(typeof syncToken === "string" && { syncToken }) };
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
