/**
 * The push message of CC/CD 70025 with our additions: what a Security Event Token and the gateway carry to us, and what
 * an event stream shows. One parser and one printer for all of them.
 */
import { z } from "zod";
import { CarillonError, type ErrorCode } from "../errors.ts";
import { type Change, DEFAULT_PRIORITY, MAX_CHANGES } from "../model/change.ts";
import { checkTopic, hasHiddenCharacters } from "../model/topic.ts";

const MAX_TOKEN_LENGTH = 1024;

const visible = z.string().max(MAX_TOKEN_LENGTH).refine(
  (text) => !hasHiddenCharacters(text),
  "holds control characters",
);
const kind = z.enum(["content", "property"]);

const pushMessage = z.object({
  topic: z.string(),
  priority: z.number().int().min(0).max(100).default(DEFAULT_PRIORITY),
  timestamp: z.iso.datetime({ offset: true }).refine(isPrintable, "is beyond the calendar of RFC 3339"),
  "client-id": visible.min(1).optional(),
  "sync-token": visible.optional(),
  update: z.union([kind, z.array(kind).min(1).max(2)]).default("content"),
  depth: z.union([z.enum(["0", "1", "infinity"]), z.literal(0), z.literal(1)]).optional(),
  properties: z.array(visible.regex(/^\{[^}]*\}.+$/, "is not of the form {namespace}name")).max(100).default([]),
  data: z.string().optional(),
});

const push = z.union([z.array(z.unknown()), z.object({ messages: z.array(z.unknown()) })]);

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
  const kinds = [change.content && "content", change.property && "property"].filter(Boolean);
  return JSON.stringify({
    topic: change.topics[0],
    priority: change.priority,
    timestamp: new Date(change.timestamp).toISOString(),
    "client-id": (change.content ?? change.property)?.except[0],
    "sync-token": change.content?.syncToken,
    update: kinds.length === 1 ? kinds[0] : kinds,
    depth: depthOf(change),
    properties: change.property?.props.length ? change.property.props : undefined,
    data: change.data,
  });
}

/** One depth stands for both triggers; without one each has its own default. */
function depthOf({ content, property }: Change): string | undefined {
  if (content && property && content.depth !== property.depth) return undefined;
  return (content ?? property)?.depth;
}
