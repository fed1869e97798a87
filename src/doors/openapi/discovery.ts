/** Discovery of the hub, and who listens to it, in the document. */
import { z } from "@hono/zod-openapi";
import { COOKIE } from "../../access/credentials.ts";
import { GRANT_TYPE } from "../../model/grant.ts";
import { MATCH_TYPES } from "../../model/matcher.ts";
import { HUB_PATH } from "../../model/topic.ts";
import { SUBSCRIPTIONS_PATH } from "../../wire/active_subscription.ts";
import { metadataPath } from "../discovery.ts";
import { LINK } from "./hub.ts";
import { BEARER, type Operation, STORE_CODES, TOKEN_CODES } from "./operation.ts";

const metadata = z.object({
  resource: z.url(),
  authorization_details_types_supported: z.array(z.literal(GRANT_TYPE)),
  bearer_methods_supported: z.array(z.literal("header")),
  mercure_matcher_types_supported: z.array(z.enum(MATCH_TYPES)),
  mercure_cookie: z.literal(COOKIE).optional(),
  mercure_subscriptions: z.literal(true).optional(),
});

const active = z.object({
  id: z.string().describe("The path below which it is found, and the topic of its updates."),
  type: z.literal("subscription"),
  match_type: z.enum(MATCH_TYPES),
  match: z.string(),
  subscriber: z.string().regex(/^urn:uuid:/),
  active: z.boolean(),
  payload: z.record(z.string(), z.unknown()).optional(),
}).meta({ id: "ActiveSubscription" });

const collection = z.object({
  id: z.string(),
  type: z.literal("subscriptions"),
  subscriptions: z.array(active),
});

const matcher = z.object({ type: z.enum(MATCH_TYPES), match: z.string() });

const listed = (path: string, operationId: string, summary: string, schema: z.ZodType) => ({
  method: "get" as const,
  path: SUBSCRIPTIONS_PATH + path,
  operationId,
  summary,
  description: "Where CARILLON_ACTIVE_SUBSCRIPTIONS is on. The token must grant to subscribe to the address itself.",
  tags: ["Hub"] as [string],
  security: BEARER,
  answers: {
    200: {
      description: "Those that are active, and in `Link` the id from which updates of them begin.",
      headers: { Link: LINK },
      content: { "application/json": { schema } },
    },
  },
  codes: [...TOKEN_CODES, "not_found" as const, ...STORE_CODES],
});

export const DISCOVERY: Operation[] = [
  {
    method: "get",
    path: metadataPath(HUB_PATH),
    operationId: "hubMetadata",
    tags: ["Hub"],
    summary: "What a token for the hub must say (RFC 9728)",
    security: [],
    answers: {
      200: {
        description: "The metadata of the protected resource.",
        headers: { Link: LINK },
        content: { "application/json": { schema: metadata } },
      },
    },
    codes: [],
  },
  listed("", "listActive", "List who listens", collection),
  {
    ...listed("/{type}/{match}", "listActiveOfMatcher", "List who listens by one matcher", collection),
    request: { params: matcher },
  },
  {
    ...listed("/{type}/{match}/{subscriber}", "getActive", "Show one who listens", active),
    request: { params: matcher.extend({ subscriber: z.string() }) },
  },
];
