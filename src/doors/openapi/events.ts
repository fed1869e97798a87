/** `POST /-/events` in the document. */
import { z } from "@hono/zod-openapi";
import { PUSH_EVENT } from "../../access/security_events.ts";
import { MAX_SET_BYTES } from "../events.ts";
import { pushMessage, pushOf } from "../../wire/push_message.ts";
import { type Operation, PUBLISH_CODES } from "./operation.ts";

/** A change as every server writes it. */
export const PUSH_EXAMPLE = {
  messages: [{ topic: "https://dav.example.com/alice/work/", timestamp: "2026-11-23T14:00:52Z", priority: 50 }],
};

/** The claims that the body's token is to have. */
export const SECURITY_EVENT = z.object({
  iss: z.string(),
  aud: z.union([z.string(), z.array(z.string())]),
  iat: z.int(),
  jti: z.string().min(1).max(256),
  exp: z.int().optional(),
  events: z.object({ [PUSH_EVENT]: pushOf(pushMessage) }),
});

export const SECURITY_EVENT_EXAMPLE = {
  iss: "radicale",
  aud: "http://localhost:8411",
  iat: 1795442452,
  jti: "756e69717565206964656e746966696572",
  events: { [PUSH_EVENT]: PUSH_EXAMPLE },
};

/** RFC 8935 2.3 and 2.4. */
const setError = z.object({
  err: z.enum([
    "invalid_request",
    "invalid_key",
    "invalid_issuer",
    "invalid_audience",
    "authentication_failed",
    "access_denied",
  ]),
  description: z.string(),
});

export const EVENTS: Operation[] = [{
  method: "post",
  path: "/-/events",
  operationId: "pushEvent",
  tags: ["Changes"],
  summary: "Report changes in a Security Event Token",
  description: `A server pushes a signed token (RFC 8417, RFC 8935) of type \`secevent+jwt\`, whose claims are the ` +
    `schema SecurityEvent. The token itself says who sends it: an issuer of CARILLON_ISSUERS.`,
  security: [],
  request: {
    body: {
      required: true,
      description: "A compact JWS.",
      content: { "application/secevent+jwt": { schema: z.string().min(1).max(MAX_SET_BYTES) } },
    },
  },
  answers: {
    202: { description: "It is committed; so is one whose `jti` was known." },
    400: { description: "RFC 8935 2.4: the token is refused.", content: { "application/json": { schema: setError } } },
  },
  codes: ["too_large", "wrong_type", "keys_unavailable", ...PUBLISH_CODES.filter((code) => code !== "bad_topic")],
}];
