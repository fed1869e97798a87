/** `POST /-/gateway` and `GET /-/transports` in the document. */
import { z } from "@hono/zod-openapi";
import { WEB_PUSH } from "../../model/subscription.ts";
import { pushMessage, pushOf } from "../../wire/push_message.ts";
import { pushSubscribe } from "../../wire/subscription_request.ts";
import { PUSH_EXAMPLE } from "./events.ts";
import { BEARER, BODY_CODES, type Operation, PUBLISH_CODES, TOKEN_CODES } from "./operation.ts";
import { SUBSCRIBE_CODES, SUBSCRIPTION_EXAMPLE } from "./subscriptions.ts";

const message = z.union([
  z.object({ push: pushOf(pushMessage) }),
  z.object({ "push-subscribe": pushSubscribe }),
  // What it holds is not looked at; that it is there is.
  z.object({ "push-transports": z.unknown() }).openapi({ required: ["push-transports"] }),
]);

const { endpoint, keys } = SUBSCRIPTION_EXAMPLE;

const examples = {
  push: { summary: "Changes", value: { push: PUSH_EXAMPLE } },
  subscribe: {
    summary: "A client of the server's subscribes",
    value: {
      "push-subscribe": {
        topics: PUSH_EXAMPLE.messages.map(({ topic }) => topic),
        transport: { "transport-uri": WEB_PUSH, "client-data": JSON.stringify({ endpoint, keys }) },
      },
    },
  },
  transports: { summary: "What is offered", value: { "push-transports": {} } },
};

const described = z.object({
  transport: z.object({
    "transport-uri": z.string(),
    "refresh-interval": z.int(),
    "transport-data": z.record(z.string(), z.string()).optional(),
  }),
});

const answer = z.union([
  z.object({ "push-response": z.object({ "no-subscribers": z.array(z.object({ topic: z.string() })).optional() }) }),
  z.object({ "push-url": z.string(), expires: z.iso.datetime() }),
  z.object({ "push-transports": z.array(described) }),
]);

const invalidTopics = z.object({ error: z.object({ "invalid-topics": z.array(z.string()) }) });

const transport = z.object({
  uri: z.string(),
  vapidPublicKey: z.string().optional(),
  apnsTopic: z.string().optional(),
  server: z.string().optional(),
  projectId: z.string().optional(),
  latency: z.enum(["seconds", "minutes"]),
  reachesClosed: z.boolean(),
  refreshInterval: z.int(),
  limits: z.object({ topics: z.int(), endpointBytes: z.int(), messageBytes: z.int(), subscriptions: z.int() }),
});

export const GATEWAY: Operation[] = [{
  method: "post",
  path: "/-/gateway",
  operationId: "gateway",
  tags: ["Changes"],
  summary: "Send a message of TC PUSH (CC/CD 70025)",
  description: "`push` reports changes, `push-subscribe` hands over a subscription, `push-transports` asks what is " +
    "offered. `Prefer: handling=strict` refuses an `expires` beyond the refresh-interval, which is clamped else.",
  security: BEARER,
  request: {
    headers: z.object({ prefer: z.string().optional() }),
    body: { required: true, content: { "application/json": { schema: message, examples } } },
  },
  answers: {
    200: { description: "It is committed.", content: { "application/json": { schema: answer } } },
    403: {
      description: "Nothing was stored: the token, or the issuer, does not reach these topics.",
      content: { "application/json": { schema: invalidTopics } },
    },
  },
  codes: [...TOKEN_CODES, ...BODY_CODES, "unknown_message", ...PUBLISH_CODES, ...SUBSCRIBE_CODES],
}, {
  method: "get",
  path: "/-/transports",
  operationId: "listTransports",
  tags: ["Subscriptions"],
  summary: "List how a client can be reached",
  description: "With what it must know to subscribe: of Web Push the key that a browser subscribes with.",
  security: [],
  answers: {
    200: {
      description: "What is offered, and its limits.",
      content: { "application/json": { schema: z.object({ transports: z.array(transport) }) } },
    },
  },
  codes: [],
}];
