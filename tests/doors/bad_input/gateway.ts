/** Bad messages to the gateway, CC/CD 70025. */
import { COOKIE, EVENT_DATA, FORM_TYPE, HUB, type Kit, NOT_UTF8, type Row } from "../../helpers/bad_input.ts";
import { grant } from "../../helpers/tokens.ts";
import { DOORS } from "./tokens.ts";

const message = (more: Record<string, unknown> = {}) => (
  { topic: "a", timestamp: "2026-11-23T14:00:52Z", data: EVENT_DATA, ...more }
);
const push = (...messages: unknown[]) => (k: Kit) => k.gateway(JSON.stringify({ push: { messages } }));
const text = (body: string | Uint8Array<ArrayBuffer>) => (k: Kit) => k.gateway(body);
const withGrants = (details: unknown, ...messages: unknown[]) => async (k: Kit) =>
  k.gateway(JSON.stringify({ push: messages }), await k.token(details));
const cookie = (headers: Record<string, string>) => async (k: Kit) =>
  DOORS.gateway(k, { cookie: `${COOKIE}=${await k.mayAll()}`, ...headers });
const topicsA = [grant(["publish"], [{ match: "a" }])];

export const GATEWAY: Row[] = [
  ["a cookie without Origin or Referer", 403, "origin_refused", cookie({})],
  ["a cookie with a foreign Referer", 403, "origin_refused", cookie({ referer: "https://evil.example/a" })],
  ["a cookie with a Referer that is no URL", 403, "origin_refused", cookie({ referer: "https://[" })],
  ["a token without a grant", 403, "invalid-topics", withGrants([], message())],
  ["a token without details", 403, "invalid-topics", withGrants(undefined, message())],
  [
    "a token that may only listen",
    403,
    "invalid-topics",
    withGrants([grant(["subscribe"], [{ match: "*" }])], message()),
  ],
  ["one topic without a grant", 403, "invalid-topics", withGrants(topicsA, message(), message({ topic: "b" }))],
  ["truncated JSON", 400, "bad_request", text('{"push": {"messages"')],
  ["JSON that is not UTF-8", 400, "bad_request", text(NOT_UTF8)],
  ["an empty body", 400, "bad_request", text("")],
  ["a list", 400, "bad_request", text("[]")],
  ["null", 400, "bad_request", text("null")],
  ["JSON nested ten thousand deep", 400, "bad_request", text('{"push":' + "[".repeat(1e4) + "]".repeat(1e4) + "}")],
  ["an unknown message", 400, "unknown_message", text('{"push-everything": {}}')],
  ["an empty object", 400, "unknown_message", text("{}")],
  ["a push without messages", 400, "bad_request", text('{"push": {}}')],
  ["a push of nothing", 400, "bad_request", push()],
  ["501 changes", 400, "bad_request", push(...Array(501).fill({ ...message(), data: undefined }))],
  ["one bad message among good ones", 400, "bad_request", push(message(), message({ depth: 7 }))],
  ["a control character in a client-id", 400, "bad_request", push(message({ "client-id": "a\u0000" }))],
  ["a control character in a topic", 400, "bad_topic", push(message({ topic: "a\u0085" }))],
  ["a topic of the hub's own", 400, "bad_topic", push(message({ topic: `${HUB}/x` }))],
  ["a body over the limit", 413, "too_large", text(" ".repeat(48 * 1024 + 1))],
  [
    "a form",
    415,
    "wrong_type",
    async (k) => k.post("/-/gateway", FORM_TYPE, "push=1", { authorization: `Bearer ${await k.mayAll()}` }),
  ],
];
