/** How an event is shown. */
import type { HeardEvent } from "./follow.ts";
import { escapeHidden, shorten } from "./visible.ts";

/** So many characters of its data stand in an event's line. */
const DATA_LENGTH = 120;

type PushMessage = { topic: string; timestamp?: string; [member: string]: unknown };

/** The push message that an event shows; undefined for an update of a Mercure publisher. */
export function readPushMessage({ data }: HeardEvent): PushMessage | undefined {
  try {
    const value = JSON.parse(data);
    return typeof value?.topic === "string" && typeof value.update !== "undefined" ? value : undefined;
  } catch {
    return undefined;
  }
}

/** One JSON object; what is invisible is escaped, which JSON allows in text. */
export function printJson({ id, type, data }: HeardEvent): string {
  return escapeHidden(JSON.stringify({ id, type, data }));
}

/** `2026-11-23 12:00:00  TOPIC  content sync-token=…`, for people. */
export function printLine(event: HeardEvent, now: Date): string {
  const message = readPushMessage(event);
  const time = message?.timestamp ? new Date(message.timestamp) : now;
  const parts = message ? describeMessage(message) : describeUpdate(event);
  return `${printTime(time)}  ${parts.join("  ")}`;
}

function describeMessage(message: PushMessage): string[] {
  const kinds = [message["update"]].flat().join("+");
  const named = ["sync-token", "client-id", "properties"].filter((name) => message[name] !== undefined)
    .map((name) => `${name}=${[message[name]].flat().join(",")}`);
  const priority = message["priority"] === 50 ? [] : [`priority=${message["priority"]}`];
  const data = message["data"] === undefined ? [] : [`data=${message["data"]}`];
  const details = [kinds, ...priority, ...named, ...data].map((text) => shorten(text, DATA_LENGTH));
  return [escapeHidden(message.topic), details.join(" ")];
}

function describeUpdate({ type, data }: HeardEvent): string[] {
  return [escapeHidden(type), `data=${shorten(data, DATA_LENGTH)}`];
}

/** The local time, as ISO 8601 orders it. */
function printTime(time: Date): string {
  return Number.isNaN(time.getTime()) ? "-" : time.toLocaleString("sv-SE");
}
