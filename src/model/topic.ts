/** Topics: opaque strings or URIs. */
import { CarillonError } from "../errors.ts";

/** Where the hub is: its updates have topics below (Mercure, "Discovery"). */
export const HUB_PATH = "/.well-known/mercure";

/** Long enough for any collection's URL, short enough that matching stays cheap. */
export const MAX_TOPIC_LENGTH = 1024;

// C0, DEL, C1 and format characters (Cf): invisible, and able to break a line-based protocol.
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}]/u;

/** True when the text holds control, format or lone surrogate characters, which no id, type or topic may. */
export function hasHiddenCharacters(text: string): boolean {
  return HIDDEN.test(text);
}

/** Checks a topic that somebody wants to publish to. Throws `bad_topic`. */
export function checkTopic(topic: string, hubUrl: string): string {
  if (topic.length === 0 || topic.length > MAX_TOPIC_LENGTH) throw badTopic("its length", `${topic.length}`);
  if (hasHiddenCharacters(topic)) throw badTopic("a control character", JSON.stringify(topic));
  if (topic === "*") throw badTopic("the name reserved for all topics", topic);
  if (isOurs(topic, hubUrl)) throw badTopic("an address of the hub itself", topic);
  return topic;
}

/** Whether somebody can publish to it at all. */
export function isTopic(topic: string, hubUrl: string): boolean {
  try {
    return checkTopic(topic, hubUrl) === topic;
  } catch {
    return false;
  }
}

// Mercure, "Publication": topics at or below the hub's own path are reserved for its own updates, on whatever host.
function isOurs(topic: string, hubUrl: string): boolean {
  // Resolving costs more than all else here, and no text without these can end up there.
  if (!/mercure|[%?#]|^\s*([a-z]+:)?\s*$/i.test(topic)) return false;
  const path = plainPath(URL.parse(topic, hubUrl)), hubPath = new URL(hubUrl).pathname;
  return path === hubPath || path.startsWith(`${hubPath}/`);
}

// RFC 3986 6.2.2.2: an escaped letter is the letter, so that no spelling of the path escapes the rule.
function plainPath(url: URL | null): string {
  return url?.pathname.replace(/%[0-9a-f]{2}/gi, (escape) => {
    const letter = String.fromCharCode(parseInt(escape.slice(1), 16));
    return /[\w.~-]/.test(letter) ? letter : escape;
  }) ?? "";
}

function badTopic(what: string, value: string): CarillonError {
  return new CarillonError("bad_topic", `a topic was refused for ${what}: ${value.slice(0, 100)}`);
}
