/** `/-/subscriptions` in the document. */
import { z } from "@hono/zod-openapi";
import { subscriptionRequest } from "../../wire/subscription_request.ts";
import type { ErrorCode } from "../../errors.ts";
import { BEARER, BODY_CODES, header, type Operation, STORE_CODES, TOKEN_CODES } from "./operation.ts";

/** The keys are made up. */
export const SUBSCRIPTION_EXAMPLE = {
  endpoint: "https://push.example.net/wpush/v2/gAAAA",
  keys: {
    p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    auth: "BTBZMqHH6r4Tts7J_aSIgg",
  },
  topics: ["https://dav.example.com/alice/work/"],
  triggers: { content: { depth: "1" } },
  minPriority: 20,
  maxDelay: 5,
};

export const SUBSCRIBE_CODES: ErrorCode[] = [
  "bad_topic",
  "bad_address",
  "too_large",
  "too_many_subscriptions",
  "push_service_silent",
  "overloaded",
  ...STORE_CODES,
];

const id = z.object({
  id: z.string().regex(/^[A-Za-z0-9_-]{22}$/).describe("The last part of the subscription's `location`."),
});
const body = (example: unknown) => ({
  required: true,
  content: { "application/json": { schema: subscriptionRequest, example } },
});

const depth = z.enum(["0", "1", "infinity"]);

const subscription = z.object({
  location: z.url(),
  transport: z.string().optional(),
  pushService: z.string().describe("The origin of the endpoint, which itself is never shown."),
  topics: z.array(z.string()),
  triggers: z.object({
    content: z.object({ depth }).optional(),
    property: z.object({ depth, properties: z.array(z.string()) }).optional(),
  }),
  minPriority: z.int(),
  maxDelay: z.int().describe("Seconds."),
  clientId: z.string().optional(),
  expires: z.iso.datetime(),
  vapidKey: z.string().optional(),
  confirmed: z.boolean().describe("The endpoint has answered once."),
}).meta({ id: "Subscription" });
const failing = z.object({ topic: z.string(), tries: z.int(), next: z.iso.datetime() });
const json = (schema: z.ZodType) => ({ "application/json": { schema } });
const LOCATION = header("Where the subscription is.");

const common = { tags: ["Subscriptions"] as [string], security: BEARER };

export const SUBSCRIPTIONS: Operation[] = [{
  ...common,
  method: "post",
  path: "/-/subscriptions",
  operationId: "subscribe",
  summary: "Hand over a push subscription, or a webhook",
  description:
    "What `PushSubscription.toJSON()` gives, and what it wants to be told of. The token must name whose it " +
    "is (`sub`), and hold a grant to subscribe to each topic.",
  request: { body: body(SUBSCRIPTION_EXAMPLE) },
  answers: {
    200: {
      description: "The same owner had handed over the same endpoint before: it is replaced.",
      headers: { Location: LOCATION },
      content: json(subscription),
    },
    201: { description: "It is new.", headers: { Location: LOCATION }, content: json(subscription) },
  },
  codes: [...TOKEN_CODES, ...BODY_CODES, ...SUBSCRIBE_CODES],
}, {
  ...common,
  method: "get",
  path: "/-/subscriptions",
  operationId: "listSubscriptions",
  summary: "List one's own, a hundred at a time",
  request: {
    query: z.object({
      after: z.string().regex(/^(?:[A-Za-z0-9_-]{22})?$/).optional().describe("As `next` of the page before has it."),
    }),
  },
  answers: {
    200: {
      description: "A page; `next` is the address of the one behind it.",
      content: json(z.object({ subscriptions: z.array(subscription), next: z.url().optional() })),
    },
  },
  codes: [...TOKEN_CODES, "bad_cursor", ...STORE_CODES],
}, {
  ...common,
  method: "get",
  path: "/-/subscriptions/{id}",
  operationId: "getSubscription",
  summary: "Show one, and what it could not be told yet",
  request: { params: id },
  answers: {
    200: {
      description: "The subscription.",
      content: json(subscription.extend({ failing: z.array(failing).optional() })),
    },
  },
  codes: [...TOKEN_CODES, "not_found", ...STORE_CODES],
}, {
  ...common,
  method: "put",
  path: "/-/subscriptions/{id}",
  operationId: "updateSubscription",
  summary: "Renew it, or change it",
  description:
    "Members that are given replace what was there. The endpoint stays: another one is another subscription.",
  request: { params: id, body: body({ minPriority: 50 }) },
  answers: { 200: { description: "As it is now.", content: json(subscription) } },
  codes: [...TOKEN_CODES, ...BODY_CODES, "not_found", ...SUBSCRIBE_CODES],
}, {
  ...common,
  method: "delete",
  path: "/-/subscriptions/{id}",
  operationId: "deleteSubscription",
  summary: "End it",
  request: { params: id },
  answers: { 204: { description: "It has ended." } },
  codes: [...TOKEN_CODES, "not_found", "overloaded", ...STORE_CODES],
}];
