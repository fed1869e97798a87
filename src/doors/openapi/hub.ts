/** The hub in the document: event streams and updates of the Mercure protocol. */
import { z } from "@hono/zod-openapi";
import type { ErrorCode } from "../../errors.ts";
import { MAX_MATCHERS, MAX_PATTERN_LENGTH, MAX_PATTERNS } from "../../model/matcher.ts";
import { HUB_PATH, MAX_TOPIC_LENGTH } from "../../model/topic.ts";
import { MAX_ID_LENGTH } from "../stream.ts";
import { MAX_LENGTHS, MAX_UPDATE_TOPICS } from "../update.ts";
import { BEARER, BODY_CODES, header, type Operation, PUBLISH_CODES, STORE_CODES, TOKEN_CODES } from "./operation.ts";

/** What every answer of the hub says of itself. */
export const LINK = header('The hub, `rel="mercure"`.');

export const STREAM_CODES: ErrorCode[] = ["streams_full", "memory_short", "too_many_streams", "bad_cursor"];

/** Whoever comes back says how far they were. */
export const lastEventId = z.string().optional()
  .describe(
    `The id that was had last, at most ${MAX_ID_LENGTH} characters; earliest for all that is held. The header beats it.`,
  );

const TOPIC = "https://dav.example.com/alice/work/";
const exact = z.string().min(1).max(MAX_TOPIC_LENGTH);

const parameters = z.object({
  match: z.array(exact).max(MAX_MATCHERS).optional().describe("Topics, `*` for all.").meta({ example: [TOPIC] }),
  match_exact: z.array(exact).max(MAX_MATCHERS).optional().describe("The same as `match`."),
  match_urlpattern: z.array(z.string().max(MAX_PATTERN_LENGTH)).max(MAX_PATTERNS).optional().describe("URLPatterns."),
  last_event_id: lastEventId,
});

const topic = z.string().min(1).max(MAX_LENGTHS.topic);

const update = z.object({
  topic: z.union([z.array(topic).min(1).max(MAX_UPDATE_TOPICS), topic])
    .describe("The first is the topic, the others are its alternates."),
  data: z.string().optional(),
  private: z.string().optional().describe("Whatever it holds: for those alone who have a grant."),
  id: z.string().max(MAX_LENGTHS.id).optional(),
  type: z.string().max(MAX_LENGTHS.type).optional(),
  retry: z.string().regex(/^[0-9]*$/).max(MAX_LENGTHS.retry).optional().describe("Milliseconds."),
});

const listen = {
  tags: ["Hub"] as [string],
  security: [...BEARER, {}],
  answers: {
    200: {
      description: "An event stream, which lasts for an hour or until the token expires.",
      headers: {
        Link: LINK,
        "Mercure-Last-Event-ID": {
          description: "The id that was asked for, or `earliest` where something behind it was lost.",
          schema: { type: "string" as const },
        },
      },
      content: { "text/event-stream": { schema: z.string() } },
    },
  },
  codes: [
    ...TOKEN_CODES,
    ...STREAM_CODES,
    "bad_matcher",
    "too_many_replays",
    "overloaded",
    ...STORE_CODES,
  ] as ErrorCode[],
};

export const HUB: Operation[] = [{
  ...listen,
  method: "get",
  path: HUB_PATH,
  operationId: "listen",
  summary: "Listen to topics",
  description:
    "Server-Sent Events. Without a token public updates alone, where CARILLON_ANONYMOUS allows it. At least " +
    "one matcher must be given.",
  request: { query: parameters, headers: z.object({ "last-event-id": lastEventId }) },
}, {
  ...listen,
  method: "query",
  path: HUB_PATH,
  operationId: "listenByForm",
  summary: "Listen to more topics than an address holds",
  description: "As GET, with its parameters in a form (RFC 10008).",
  request: {
    headers: z.object({ "last-event-id": lastEventId }),
    body: {
      required: true,
      content: { "application/x-www-form-urlencoded": { schema: parameters, example: { match: [TOPIC] } } },
    },
  },
  codes: [...listen.codes, ...BODY_CODES],
}, {
  method: "post",
  path: HUB_PATH,
  operationId: "publish",
  tags: ["Hub"],
  summary: "Publish an update",
  security: BEARER,
  request: {
    body: {
      required: true,
      content: {
        "application/x-www-form-urlencoded": {
          schema: update,
          example: { topic: [TOPIC], private: "on", data: "hello" },
        },
      },
    },
  },
  answers: {
    200: {
      description: "It is committed: the event's id.",
      headers: { Link: LINK },
      content: { "text/plain": { schema: z.string() } },
    },
  },
  codes: [...TOKEN_CODES, ...BODY_CODES, ...PUBLISH_CODES],
}];
