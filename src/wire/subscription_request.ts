/**
 * What a client hands over to be told of changes: a browser's `PushSubscription.toJSON()` (W3C Push API) with what it asks
 * for, and the `push-subscribe` message of CC/CD 70025, whose `client-data` holds the same.
 */
import { z } from "zod";
import { CarillonError } from "../errors.ts";
import { type Keys, MAX_TOPICS, type Triggers, WEB_PUSH } from "../model/subscription.ts";
import { checkTopic, hasHiddenCharacters } from "../model/topic.ts";

/** Seconds: beyond a week nobody can wait, since subscriptions end. */
const MAX_DELAY = 7 * 24 * 3600;

/** What a transport may have to know. */
const MAX_KEYS = 8;

/** Times are milliseconds since 1970. Members that were left out are undefined. */
export type SubscriptionRequest = {
  /** A `transport-uri`; Web Push where none is named. */
  transport: string;
  /** At the transport, as the client hands it over. */
  endpoint?: string;
  keys?: Keys;
  topics?: string[];
  triggers?: Triggers;
  minPriority?: number;
  maxDelay?: number;
  clientId?: string;
  expiresAt?: number;
};

/** A `push-subscribe`. What its `client-data` holds depends on the transport. A past `expiresAt` leaves the topics. */
export type PushSubscribe = { transportUri: string; topics: string[]; clientData: string; expiresAt?: number };

const depth = z.union([z.enum(["0", "1", "infinity"]), z.literal(0), z.literal(1)]).transform((depth) =>
  `${depth}` as const
);
const property = z.string().max(1024).regex(/^\{[^}]*\}.+$/, "is not of the form {namespace}name");
const instant = z.iso.datetime({ offset: true }).transform(Date.parse);

const preferences = z.object({
  transport: z.string().optional(),
  endpoint: z.string().optional(),
  keys: z.record(z.string(), z.string()).refine((keys) => Object.keys(keys).length <= MAX_KEYS, "holds too many keys")
    .optional(),
  /** W3C Push API 8: a DOMHighResTimeStamp, or null. */
  expirationTime: z.number().nullish(),
  triggers: z.object({
    content: z.object({ depth: depth.default("1") }).optional(),
    property: z.object({ depth: depth.default("0"), properties: z.array(property).max(100).default([]) }).optional(),
  }).optional(),
  minPriority: z.int().min(0).max(100).optional(),
  maxDelay: z.int().min(0).max(MAX_DELAY).optional(),
  clientId: z.string().min(1).max(1024).refine((text) => !hasHiddenCharacters(text), "holds control characters")
    .optional(),
});

/** What a browser hands over. */
export const subscriptionRequest = preferences.extend({
  topics: z.array(z.string()).min(1).max(MAX_TOPICS, `holds more than ${MAX_TOPICS} topics`).optional(),
  expires: instant.optional(),
}).meta({ id: "SubscriptionRequest" });

const transport = z.object({ "transport-uri": z.string(), "client-data": z.string() });

/** The value of a `push-subscribe` member. */
export const pushSubscribe = z.object({
  topics: z.array(z.string()).min(1).max(MAX_TOPICS, `holds more than ${MAX_TOPICS} topics`),
  // The prose of the draft says transport, its grammar selected-transport.
  transport: transport.optional(),
  "selected-transport": transport.optional(),
  expires: instant.optional(),
});

/** Reads what a browser hands over. Unknown members are ignored. Throws `bad_request` or `bad_topic`. */
export function parseSubscription(value: unknown, hubUrl: string): SubscriptionRequest {
  const { topics, expires, ...rest } = parse(subscriptionRequest, value, "the subscription");
  const read = toRequest(rest);
  if (topics) read.topics = unique(topics.map((topic) => checkTopic(topic, hubUrl)));
  const ends = [expires, rest.expirationTime].filter((end) => typeof end === "number");
  if (ends.length > 0) read.expiresAt = Math.min(...ends);
  return read;
}

/** Reads the value of a `push-subscribe` member. Its topics are not checked. Throws `bad_request`. */
export function parsePushSubscribe(value: unknown): PushSubscribe {
  const { topics, expires, ...rest } = parse(pushSubscribe, value, "push-subscribe");
  const selected = rest.transport ?? rest["selected-transport"];
  if (!selected) throw new CarillonError("bad_request", "push-subscribe was refused: it names no transport");
  const { "transport-uri": transportUri, "client-data": clientData } = selected;
  return { transportUri, topics: unique(topics), clientData, ...(expires !== undefined && { expiresAt: expires }) };
}

/** Reads the `client-data` of Web Push: what a browser hands over, as JSON. Throws `bad_request`. */
export function parseClientData(text: string): SubscriptionRequest {
  return toRequest(parse(preferences, parseJson(text), "client-data"));
}

function toRequest(asked: z.infer<typeof preferences>) {
  const { transport = WEB_PUSH, endpoint, keys, triggers, minPriority, maxDelay, clientId } = asked;
  const read: SubscriptionRequest = { transport };
  if (endpoint !== undefined) read.endpoint = endpoint;
  if (keys) read.keys = keys;
  if (triggers) read.triggers = toTriggers(triggers);
  if (minPriority !== undefined) read.minPriority = minPriority;
  if (maxDelay !== undefined) read.maxDelay = maxDelay;
  if (clientId !== undefined) read.clientId = clientId;
  return read;
}

function toTriggers({ content, property }: NonNullable<z.infer<typeof preferences>["triggers"]>): Triggers {
  return {
    ...(content && { content }),
    ...(property && { property: { depth: property.depth, props: property.properties } }),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new CarillonError("bad_request", "client-data was refused: it is not JSON");
  }
}

/** The fault names the member, never its value: it may be a key or an address. */
function parse<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new CarillonError("bad_request", `${what} was refused: ${issue?.path.join(".") || "it"}: ${issue?.message}`);
}

function unique(topics: string[]): string[] {
  return [...new Set(topics)];
}
