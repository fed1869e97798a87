/**
 * The push message of CC/CD 70025 with our additions: what a Security Event Token and the gateway carry to us, what an
 * event stream shows, and what a push service carries to a subscriber. One parser and one vocabulary for all of them.
 */
import { Buffer } from "node:buffer";
import { z } from "zod";
import { CarillonError, type ErrorCode } from "../errors.ts";
import { type Change, DEFAULT_PRIORITY, type Depth, MAX_CHANGES } from "../model/change.ts";
import type { Message } from "../model/delivery.ts";
import type { Merged } from "../model/merge.ts";
import { checkTopic, hasHiddenCharacters } from "../model/topic.ts";
import { MAX_PLAINTEXT } from "./aes128gcm.ts";

const MAX_TOKEN_LENGTH = 1024;

const visible = z.string().max(MAX_TOKEN_LENGTH).refine(
  (text) => !hasHiddenCharacters(text),
  "holds control characters",
);
const kind = z.enum(["content", "property"]);

/** One message, as it is sent to us. */
export const pushMessage = z.object({
  topic: z.string(),
  priority: z.number().int().min(0).max(100).default(DEFAULT_PRIORITY),
  timestamp: z.iso.datetime({ offset: true }).refine(isPrintable, "is beyond the calendar of RFC 3339"),
  "client-id": visible.min(1).optional(),
  "sync-token": visible.optional(),
  update: z.union([kind, z.array(kind).min(1).max(2)]).default("content"),
  depth: z.union([z.enum(["0", "1", "infinity"]), z.literal(0), z.literal(1)]).optional(),
  properties: z.array(visible.regex(/^\{[^}]*\}.+$/, "is not of the form {namespace}name")).max(100).default([]),
  data: z.string().optional(),
}).meta({ id: "PushMessage" });

/** The value of a `push` member with such messages: the bare array is the draft's grammar. */
export const pushOf = <T extends z.ZodType>(message: T) =>
  z.union([z.array(message), z.object({ messages: z.array(message) })]);

const push = pushOf(z.unknown());

type PushMessage = z.infer<typeof pushMessage>;

/**
 * Reads the value of a `push` member: `{"messages": [...]}`, or the bare array of the draft's grammar. Unknown members
 * are ignored. Throws `code` with the first fault, or `bad_topic`.
 */
export function parsePush(value: unknown, code: ErrorCode, hubUrl: string): Change[] {
  const parsed = push.safeParse(value);
  if (!parsed.success) throw new CarillonError(code, 'push holds no messages: expected {"messages": [...]}');
  const messages = Array.isArray(parsed.data) ? parsed.data : parsed.data.messages;
  if (messages.length === 0) throw new CarillonError(code, "push holds no messages: the list is empty");
  if (messages.length > MAX_CHANGES) {
    throw new CarillonError(code, `push holds too many messages: ${messages.length}, at most ${MAX_CHANGES}`);
  }
  return messages.map((message, index) => parseMessage(message, index, code, hubUrl));
}

function parseMessage(message: unknown, index: number, code: ErrorCode, hubUrl: string): Change {
  const parsed = pushMessage.safeParse(message);
  if (parsed.success) return toChange(parsed.data, hubUrl);
  const issue = parsed.error.issues[0];
  const where = issue?.path.join(".") ?? "";
  throw new CarillonError(code, `message ${index} was refused: ${where || "it"}: ${issue?.message ?? "invalid"}`);
}

/** An offset can carry the first or last year over its edge. */
function isPrintable(timestamp: string): boolean {
  const time = new Date(timestamp);
  return !Number.isNaN(time.getTime()) && /^\d{4}-/.test(time.toISOString());
}

function toChange(message: PushMessage, hubUrl: string): Change {
  const kinds = [message.update].flat();
  const except = message["client-id"] ? [message["client-id"]] : [];
  const depth = message.depth === undefined ? undefined : `${message.depth}` as const;
  return {
    topics: [checkTopic(message.topic, hubUrl)],
    private: true,
    priority: message.priority,
    timestamp: Date.parse(message.timestamp),
    ...(message.data !== undefined && { data: message.data }),
    ...(kinds.includes("content") && { content: { depth: depth ?? "1", syncToken: message["sync-token"], except } }),
    ...(kinds.includes("property") && { property: { depth: depth ?? "0", props: message.properties, except } }),
  };
}

/** Prints a change as the push message that a listener reads: the members that it came with, the defaults filled in. */
export function printMessage(change: Change): string {
  return JSON.stringify({
    topic: change.topics[0],
    priority: change.priority,
    timestamp: new Date(change.timestamp).toISOString(),
    "client-id": (change.content ?? change.property)?.except[0],
    "sync-token": change.content?.syncToken,
    update: updateOf(change),
    depth: commonDepth(change.content?.depth, change.property?.depth),
    properties: change.property?.props.length ? change.property.props : undefined,
    data: change.data,
  });
}

/**
 * Prints what a subscriber is told through a push service: `{"push": {"messages": [...]}}`, of at most `MAX_PLAINTEXT`
 * bytes. What does not fit is left out, data and properties first; who reads the rest knows where to look. `smallest`
 * begins with the least that says what changed. Without a message there are none: we are here, nothing changed.
 */
export function printPush(message: Message, { smallest = false } = {}): string {
  if (!message) return printPushOf([]);
  const { data, properties, ...bare } = describe(message.topic, message.merged);
  const { topic, timestamp, update, "sync-token": token } = bare;
  // The parser's default is content.
  const least = { topic, timestamp, update: update === "content" ? undefined : update };
  const small = [{ ...least, "sync-token": token }, least];
  const forms = smallest ? small : [{ ...bare, properties, data }, bare, ...small];
  return forms.values().map((form) => printPushOf([form])).find(fits)!;
}

function describe(topic: string, { priority, timestamp, data, content, property }: Merged) {
  return {
    topic,
    priority,
    timestamp: new Date(timestamp).toISOString(),
    "sync-token": content?.syncToken,
    update: updateOf({ content, property }),
    depth: commonDepth(deepest(content?.depths), deepest(property?.depths)),
    properties: property?.props.length ? property.props : undefined,
    data,
  };
}

function printPushOf(messages: unknown[]): string {
  return JSON.stringify({ push: { messages } });
}

function fits(text: string): boolean {
  return Buffer.byteLength(text) <= MAX_PLAINTEXT;
}

function updateOf({ content, property }: { content?: unknown; property?: unknown }) {
  if (content && property) return ["content", "property"];
  return content ? "content" : "property";
}

/** One depth stands for both triggers; without one each has its own default. */
function commonDepth(content: Depth | undefined, property: Depth | undefined): Depth | undefined {
  return content && property && content !== property ? undefined : content ?? property;
}

function deepest(depths: Depth[] = []): Depth | undefined {
  return (["infinity", "1", "0"] as const).find((depth) => depths.includes(depth));
}
