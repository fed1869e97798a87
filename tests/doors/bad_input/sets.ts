/** Bad Security Event Tokens; the codes are those of RFC 8935 2.4. */
import { PUSH_EVENT } from "../../../src/access/security_events.ts";
import { bytes, EVENT_DATA, type Kit, NOT_UTF8, type Row } from "../../helpers/bad_input.ts";
import { setClaims, sign, unsigned } from "../../helpers/tokens.ts";

const now = Math.floor(Date.now() / 1000);
const message = (more: Record<string, unknown> = {}) => (
  { topic: "a", timestamp: "2026-11-23T14:00:52Z", data: EVENT_DATA, ...more }
);
const events = (...messages: unknown[]) => ({ events: { [PUSH_EVENT]: { messages } } });
const hmacOf = (k: Kit, key: Uint8Array) => k.set({}, { alg: "HS256" }, key);
const header = (more: Record<string, unknown>) => async (k: Kit) => k.event(await k.set({}, more));
const claims = (more: Record<string, unknown>) => async (k: Kit) => k.event(await k.set(more));
const payload = (make: (k: Kit) => Uint8Array) => async (k: Kit) =>
  k.event(await sign(k.keys.local, { alg: "EdDSA", typ: "secevent+jwt" }, make(k)));
const bounded = (...topics: string[]) => async (k: Kit) =>
  k.event(
    await k.set(
      {
        iss: "bounded",
        ...events(...topics.map((topic) => message({ topic }))),
      },
      { alg: "ES256" },
      k.keys.bounded,
    ),
  );

export const SETS: Row[] = [
  ["a wrong signature", 400, "authentication_failed", async (k) => k.event(await k.set({}, {}, k.keys.stranger))],
  ["a changed payload", 400, "authentication_failed", async (k) => k.event(await withOtherPayload(k))],
  [
    "algorithm none",
    400,
    "invalid_key",
    (k) => k.event(unsigned({ alg: "none", typ: "secevent+jwt" }, setClaims(k.url))),
  ],
  [
    "another issuer's algorithm",
    400,
    "invalid_key",
    async (k) => k.event(await k.set({}, { alg: "ES256" }, k.keys.bounded)),
  ],
  [
    "the public key as a secret",
    400,
    "invalid_key",
    async (k) => k.event(await hmacOf(k, bytes(JSON.stringify(k.keys.public)))),
  ],
  [
    "the public key's bytes as a secret",
    400,
    "invalid_key",
    async (k) => k.event(await hmacOf(k, bytes(k.keys.public.x!))),
  ],
  ["a jwk header", 400, "invalid_key", async (k) => k.event(await k.set({}, { jwk: { ...k.keys.public } }))],
  ["a jku header", 400, "invalid_key", header({ jku: "https://evil.example/jwks" })],
  ["an x5u header", 400, "invalid_key", header({ x5u: "https://evil.example/x5u" })],
  ["an x5c header", 400, "invalid_key", header({ x5c: ["AAAA"] })],
  ["an unknown kid", 400, "invalid_key", header({ kid: "unknown" })],
  ["an unknown issuer", 400, "invalid_issuer", claims({ iss: "nobody" })],
  ["an issuer that is no text", 400, "invalid_issuer", claims({ iss: ["local"] })],
  ["no issuer", 400, "invalid_issuer", claims({ iss: undefined })],
  ["a wrong audience", 400, "invalid_audience", claims({ aud: "https://other.example" })],
  ["no audience", 400, "invalid_audience", claims({ aud: undefined })],
  ["another typ", 400, "invalid_request", header({ typ: "at+jwt" })],
  ["no typ", 400, "invalid_request", header({ typ: undefined })],
  ["a stale iat", 400, "invalid_request", claims({ iat: now - 25 * 3600 })],
  ["a future iat", 400, "invalid_request", claims({ iat: now + 600 })],
  ["no iat", 400, "invalid_request", claims({ iat: undefined })],
  ["an iat in words", 400, "invalid_request", claims({ iat: "now" })],
  ["a past exp", 400, "invalid_request", claims({ exp: now - 600 })],
  ["no jti", 400, "invalid_request", claims({ jti: undefined })],
  ["an empty jti", 400, "invalid_request", claims({ jti: "" })],
  ["a jti with a line end", 400, "invalid_request", claims({ jti: "a\nb" })],
  ["an overlong jti", 400, "invalid_request", claims({ jti: "j".repeat(257) })],
  ["a topic outside the issuer's patterns", 400, "access_denied", bounded("https://other.example/a")],
  ["one foreign topic among good ones", 400, "access_denied", bounded("https://dav.example/a", "a")],
  ["501 changes", 400, "invalid_request", claims(events(...Array(501).fill({ ...message(), data: undefined })))],
  ["no changes", 400, "invalid_request", claims(events())],
  ["an event of another type", 400, "invalid_request", claims({ events: { "urn:x": {} } })],
  ["events that are no object", 400, "invalid_request", claims({ events: [PUSH_EVENT] })],
  ["a control character in a topic", 400, "invalid_request", claims(events(message({ topic: "a\nb" })))],
  ["the topic of all topics", 400, "invalid_request", claims(events(message({ topic: "*" })))],
  ["a priority of 101", 400, "invalid_request", claims(events(message({ priority: 101 })))],
  ["a body over the limit", 413, "too_large", (k) => k.event("x".repeat(48 * 1024 + 1))],
  ["a truncated token", 400, "invalid_request", async (k) => k.event((await k.set()).split(".").slice(0, 2).join("."))],
  ["an empty body", 400, "invalid_request", (k) => k.event("")],
  ["a body that is not UTF-8", 400, "invalid_request", (k) => k.event(NOT_UTF8)],
  ["a signed payload that is truncated JSON", 400, "invalid_request", payload(() => bytes('{"iss":"local"'))],
  ["a signed payload that is not UTF-8", 400, "invalid_request", payload(notUtf8Claims)],
  ["a signed payload that is a list", 400, "invalid_request", payload(() => bytes("[]"))],
  ["an encrypted token", 400, "invalid_request", (k) => k.event("eyJhbGciOiJkaXIifQ.a.b.c.d")],
  ["a SET as JSON", 415, "wrong_type", async (k) => k.post("/-/events", "application/json", await k.set())],
  ["an access token in place of a SET", 400, "invalid_request", async (k) => k.event(await k.mayAll())],
];

/** The header and signature of one SET around the payload of another. */
async function withOtherPayload(k: Kit): Promise<string> {
  const [[header, , signature], [, payload]] = [(await k.set()).split("."), (await k.set()).split(".")];
  return [header, payload, signature].join(".");
}

/** Good claims, but for two bytes of the data. */
function notUtf8Claims(k: Kit): Uint8Array {
  const json = JSON.stringify(setClaims(k.url, events(message({ data: "??" }))));
  return bytes(json).fill(0xff, json.indexOf("??"), json.indexOf("??") + 2);
}
