/** Our own push service (RFC 8030) in the document. */
import { z } from "@hono/zod-openapi";
import type { ErrorCode } from "../../errors.ts";
import { URGENCIES } from "../../model/push_message.ts";
import { pushOptions } from "../../wire/push_resource.ts";
import { PUSH } from "../push_service.ts";
import { lastEventId, STREAM_CODES } from "./hub.ts";
import { BEARER, BODY_CODES, header, type Operation, STORE_CODES, TOKEN_CODES } from "./operation.ts";

const tags = ["Push service"] as [string];
/** A receipt is a message of its own. */
const RECEIPT_CODES: ErrorCode[] = ["overloaded", "too_many_pushes"];

const params = z.object({
  token: z.string().regex(/^[A-Za-z0-9_.-]+$/).describe("Whoever knows it may use the address."),
});
const urgency = z.enum(URGENCIES).optional();
const location = (description: string) => ({ Location: header(description) });

const made: Operation[] = [{
  method: "post",
  path: `${PUSH}/subscribe`,
  operationId: "makePushSubscription",
  tags,
  summary: "Make a push subscription (RFC 8030 4)",
  description: "`Link` with the relation `urn:ietf:params:push:set` adds it to a set that one reader reads. With " +
    "`vapid` only who has that key may push (RFC 8292 4.1).",
  security: BEARER,
  request: {
    headers: z.object({ link: z.string().optional() }),
    body: { content: { "application/webpush-options+json": { schema: pushOptions, example: {} } } },
  },
  answers: {
    201: {
      description: "It is made.",
      headers: {
        ...location("Where it is read and ended: keep it secret."),
        Link: header("The push resource, the set, and where receipts are asked for."),
      },
    },
  },
  codes: [...TOKEN_CODES, ...BODY_CODES, "too_many_subscriptions", ...STORE_CODES],
}, {
  method: "post",
  path: `${PUSH}/receipt`,
  operationId: "makeReceiptSubscription",
  tags,
  summary: "Make a receipt subscription (RFC 8030 5.1)",
  security: BEARER,
  answers: { 201: { description: "It is made.", headers: location("Where receipts are read: keep it secret.") } },
  codes: [...TOKEN_CODES, "too_many_subscriptions", ...STORE_CODES],
}];

const fields = z.object({
  ttl: z.string().regex(/^[0-9]+$/).describe(
    "Seconds for which it is kept (RFC 8030 5.2); what is granted is answered.",
  ),
  urgency,
  topic: z.string().regex(/^[A-Za-z0-9_-]{1,32}$/).optional().describe(
    "It replaces what waits with the same (RFC 8030 5.4).",
  ),
  "content-encoding": z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,32}$/).optional(),
  prefer: z.string().optional().describe("`respond-async` asks for a receipt, with Push-Receipt."),
  "push-receipt": z.string().optional(),
});

const granted = {
  ...location("Where it is acknowledged."),
  TTL: header("Seconds for which it is kept."),
};

const pushed: Operation = {
  method: "post",
  path: `${PUSH}/push/{token}`,
  operationId: "pushMessage",
  tags,
  summary: "Push a message (RFC 8030 5)",
  description: "Signed (RFC 8292) where the subscription names a key.",
  security: [{ vapid: [] }, {}],
  request: {
    params,
    headers: fields,
    body: { content: { "application/octet-stream": { schema: { type: "string", format: "binary" } } } },
  },
  answers: {
    201: { description: "It is stored.", headers: granted },
    202: { description: "It is stored, and its receipt will be told.", headers: granted },
  },
  codes: [
    "bad_request",
    "too_large",
    "missing_vapid",
    "vapid_refused",
    "not_found",
    "too_many_signatures",
    "too_many_pushes",
    "overloaded",
    ...STORE_CODES,
  ],
};

const read = (kind: string, operationId: string, summary: string): Operation => ({
  method: "get",
  path: `${PUSH}/${kind}/{token}`,
  operationId,
  tags,
  summary,
  description: "Server-Sent Events. Who comes back with the id that was had last acknowledges all up to it.",
  security: [],
  request: {
    params,
    query: z.object({ urgency: urgency.describe("Less urgent messages wait."), last_event_id: lastEventId }),
    headers: z.object({
      urgency: z.string().optional().describe("The same, where the query has none."),
      "last-event-id": lastEventId,
    }),
  },
  answers: { 200: { description: "An event stream.", content: { "text/event-stream": { schema: z.string() } } } },
  codes: [...STREAM_CODES, "bad_request", "not_found", ...RECEIPT_CODES, ...STORE_CODES],
});

const end = (kind: string, operationId: string, summary: string, codes: ErrorCode[] = []): Operation => ({
  method: "delete",
  path: `${PUSH}/${kind}/{token}`,
  operationId,
  tags,
  summary,
  security: [],
  request: { params },
  answers: { 204: { description: "It is done." } },
  codes: ["not_found", ...codes, ...STORE_CODES],
});

export const PUSH_SERVICE: Operation[] = [
  ...made,
  pushed,
  read("subscription", "readPushSubscription", "Read a subscription's messages"),
  read("set", "readPushSet", "Read the messages of a set"),
  read("receipt", "readReceipts", "Read receipts"),
  end("subscription", "endPushSubscription", "End a subscription (RFC 8030 7.3)"),
  end("receipt", "endReceiptSubscription", "End a receipt subscription"),
  end("message", "acknowledgeMessage", "Acknowledge a message (RFC 8030 6.2)", RECEIPT_CODES),
];
