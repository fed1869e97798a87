/** Topics: opaque strings or URIs. */
import { CarillonError } from "../errors.ts";

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

// Mercure, "Publication": topics below the hub's own path are reserved for its own updates.
function isOurs(topic: string, hubUrl: string): boolean {
  // Resolving costs more than all else here, and no text without these can end up there.
  if (!/mercure|[?#]|^\s*([a-z]+:)?\s*$/i.test(topic)) return false;
  const url = URL.parse(topic, hubUrl);
  return url !== null && (url.origin + url.pathname === hubUrl || url.href.startsWith(hubUrl + "/"));
}

function badTopic(what: string, value: string): CarillonError {
  return new CarillonError("bad_topic", `a topic was refused for ${what}: ${value.slice(0, 100)}`);
}
