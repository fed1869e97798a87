/** Bad subscriptions, handed over by a browser or by a server (CC/CD 70025 `push-subscribe`). */
import { createECDH, randomBytes } from "node:crypto";
import { COOKIE, FORM_TYPE, HUB, type Kit, NOT_UTF8, type Row } from "../../helpers/bad_input.ts";
import { grant } from "../../helpers/tokens.ts";

const PATH = "/-/subscriptions";
const SECRET_PATH = "the-secret-path-of-an-address";
const ADDRESS = `https://push.example/${SECRET_PATH}`;

const pair = createECDH("prime256v1");
const POINT = pair.generateKeys("base64url");
const AUTH = randomBytes(16).toString("base64url");

const good = { endpoint: ADDRESS, keys: { p256dh: POINT, auth: AUTH }, topics: ["a"] };

/** Posts, with every secret of the request kept in mind. */
async function post(k: Kit, body: string | Uint8Array<ArrayBuffer>, token?: string): Promise<Response> {
  for (const secret of [SECRET_PATH, POINT, AUTH]) k.seen.keep(secret);
  const authorization = `Bearer ${token ?? await k.mayAll()}`;
  return await k.post(PATH, "application/json", body, { authorization });
}

const subscribe = (more: Record<string, unknown>) => (k: Kit) => post(k, JSON.stringify({ ...good, ...more }));
const keys = (more: Record<string, unknown>) => subscribe({ keys: { ...good.keys, ...more } });
const at = (endpoint: unknown) => subscribe({ endpoint });
const text = (body: string | Uint8Array<ArrayBuffer>) => (k: Kit) => post(k, body);
const holding = (details: unknown, claims = {}) => async (k: Kit) =>
  post(k, JSON.stringify({ ...good, topics: ["a", "b"] }), await k.token(details, claims));
const cookie = (headers: Record<string, string>) => async (k: Kit) =>
  k.post(PATH, "application/json", JSON.stringify(good), { cookie: `${COOKIE}=${await k.mayAll()}`, ...headers });

const bytes = (length: number, first = 4) => Uint8Array.from({ length }, (_, n) => n ? 7 : first).toBase64();
const compressed = pair.getPublicKey("base64url", "compressed");
const offCurve = (() => {
  const point = Uint8Array.fromBase64(POINT, { alphabet: "base64url" });
  point[64]! ^= 1;
  return point.toBase64();
})();
const mayA = [grant(["subscribe"], [{ match: "a" }])];
const mayAll = [grant(["subscribe"], [{ match: "*" }])];

const KEYS: Row[] = [
  ["no keys", 400, "bad_request", subscribe({ keys: undefined })],
  ["keys in a list", 400, "bad_request", subscribe({ keys: [POINT, AUTH] })],
  ["no auth", 400, "bad_request", keys({ auth: undefined })],
  ["a p256dh that is not on the curve", 400, "bad_request", keys({ p256dh: offCurve })],
  ["a compressed p256dh", 400, "bad_request", keys({ p256dh: compressed })],
  ["a p256dh of 64 bytes", 400, "bad_request", keys({ p256dh: bytes(64) })],
  ["a p256dh of 66 bytes", 400, "bad_request", keys({ p256dh: bytes(66) })],
  ["a p256dh of zeros", 400, "bad_request", keys({ p256dh: new Uint8Array(65).toBase64() })],
  ["a p256dh at infinity", 400, "bad_request", keys({ p256dh: "AA" })],
  ["a p256dh that is no base64", 400, "bad_request", keys({ p256dh: "*".repeat(87) })],
  ["an auth of 15 bytes", 400, "bad_request", keys({ auth: bytes(15) })],
  ["an auth of 17 bytes", 400, "bad_request", keys({ auth: bytes(17) })],
  ["an empty auth", 400, "bad_request", keys({ auth: "" })],
  ["an auth that is a number", 400, "bad_request", keys({ auth: 7 })],
];

const NUMERIC = [
  "2130706433",
  "0x7f000001",
  "0177.0.0.1",
  "127.1",
  "[::1]",
  "[::ffff:10.0.0.1]",
  "8.8.8.8",
  "①②⑦.0.0.1",
];

const ADDRESSES: Row[] = [
  ["no address", 400, "bad_request", at(undefined)],
  ["an address that is no text", 400, "bad_request", at(7)],
  ["an address without TLS", 400, "bad_address", at(`http://push.example/${SECRET_PATH}`)],
  ["an address of another scheme", 400, "bad_address", at(`javascript:alert("${SECRET_PATH}")`)],
  ["an address that is none", 400, "bad_address", at(SECRET_PATH)],
  ["an address with user information", 400, "bad_address", at(`https://user:pass@push.example/${SECRET_PATH}`)],
  ["an address on another port", 400, "bad_address", at(`https://push.example:8443/${SECRET_PATH}`)],
  ["an address of one label", 400, "bad_address", at(`https://push/${SECRET_PATH}`)],
  ["an address over 1,000 bytes", 400, "bad_address", at(`${ADDRESS}${"x".repeat(1_000)}`)],
  ...["localhost", "app.localhost", "printer.local", "metadata.google.internal", "localhost."].map((host): Row => [
    `an address at ${host}`,
    400,
    "bad_address",
    at(`https://${host}/${SECRET_PATH}`),
  ]),
  ...NUMERIC.map((host): Row => [`an address at ${host}`, 400, "bad_address", at(`https://${host}/${SECRET_PATH}`)]),
];

const ASKED: Row[] = [
  ["no topics", 400, "bad_request", subscribe({ topics: undefined })],
  ["an empty list of topics", 400, "bad_request", subscribe({ topics: [] })],
  ["101 topics", 400, "bad_request", subscribe({ topics: Array.from({ length: 101 }, (_, n) => `t/${n}`) })],
  ["a topic that is no text", 400, "bad_request", subscribe({ topics: [7] })],
  ["an empty topic", 400, "bad_topic", subscribe({ topics: [""] })],
  ["the topic of all topics", 400, "bad_topic", subscribe({ topics: ["*"] })],
  ["a topic with a control character", 400, "bad_topic", subscribe({ topics: ["a\u0085"] })],
  ["a topic of the hub's own", 400, "bad_topic", subscribe({ topics: [`${HUB}/x`] })],
  [
    "topics that are too long together",
    413,
    "too_large",
    subscribe({
      topics: Array.from({ length: 60 }, (_, n) => `${n}`.padEnd(1_000, "x")),
    }),
  ],
  ["an unknown depth", 400, "bad_request", subscribe({ triggers: { content: { depth: "2" } } })],
  ["triggers in a list", 400, "bad_request", subscribe({ triggers: ["content"] })],
  [
    "a property that is no name",
    400,
    "bad_request",
    subscribe({
      triggers: { property: { properties: ["displayname"] } },
    }),
  ],
  ["a minPriority above 100", 400, "bad_request", subscribe({ minPriority: 101 })],
  ["a minPriority that is no whole number", 400, "bad_request", subscribe({ minPriority: 1.5 })],
  ["a maxDelay below 0", 400, "bad_request", subscribe({ maxDelay: -1 })],
  ["a maxDelay in words", 400, "bad_request", subscribe({ maxDelay: "5s" })],
  ["an empty clientId", 400, "bad_request", subscribe({ clientId: "" })],
  ["a clientId with a control character", 400, "bad_request", subscribe({ clientId: "a\u0000" })],
  ["an end in the past", 400, "bad_request", subscribe({ expires: "2001-01-01T00:00:00Z" })],
  ["an end that is no date", 400, "bad_request", subscribe({ expires: "tomorrow" })],
  ["an end without a zone", 400, "bad_request", subscribe({ expires: "2126-01-01T00:00:00" })],
  ["an end of a day that is none", 400, "bad_request", subscribe({ expires: "2126-02-30T00:00:00Z" })],
  ["an expirationTime in the past", 400, "bad_request", subscribe({ expirationTime: 1 })],
  ["an expirationTime in words", 400, "bad_request", subscribe({ expirationTime: "never" })],
];

const REQUESTS: Row[] = [
  ["topics without a grant", 403, "insufficient_scope", holding(mayA)],
  ["a grant to publish alone", 403, "insufficient_scope", holding([grant(["publish"], [{ match: "*" }])])],
  ["a token without details", 403, "insufficient_scope", holding(undefined)],
  ["a token that names no subject", 403, "insufficient_scope", holding(mayAll, { sub: undefined })],
  ["a cookie without Origin or Referer", 403, "origin_refused", cookie({})],
  ["a cookie with a foreign Origin", 403, "origin_refused", cookie({ origin: "https://evil.example" })],
  ["truncated JSON", 400, "bad_request", text(JSON.stringify(good).slice(0, -9))],
  ["JSON that is not UTF-8", 400, "bad_request", text(NOT_UTF8)],
  ["an empty body", 400, "bad_request", text("")],
  ["a list", 400, "bad_request", text("[]")],
  ["null", 400, "bad_request", text("null")],
  ["a body over the limit", 413, "too_large", text(" ".repeat(48 * 1024 + 1))],
  [
    "a form",
    415,
    "wrong_type",
    async (k) => k.post(PATH, FORM_TYPE, "endpoint=x", { authorization: `Bearer ${await k.mayAll()}` }),
  ],
];

const ask = (method: string, path: string) => async (k: Kit) =>
  k.send(path, { method, headers: { authorization: `Bearer ${await k.mayAll()}` } });

const PLACES: Row[] = [
  ...["x", "x".repeat(3_000), "%00", "..%2f..", "a".repeat(21), "é".repeat(22)].flatMap((id): Row[] => [
    [`GET of the id ${id.slice(0, 30)}`, 404, "not_found", ask("GET", `${PATH}/${id}`)],
    [`DELETE of the id ${id.slice(0, 30)}`, 404, "not_found", ask("DELETE", `${PATH}/${id}`)],
  ]),
  ...["~~", "é", "x".repeat(3_000), "a b", "*"].map((after): Row => [
    `a list behind ${after.slice(0, 30)}`,
    400,
    "bad_cursor",
    ask("GET", `${PATH}?after=${encodeURIComponent(after)}`),
  ]),
  ["PATCH", 405, "method_not_allowed", ask("PATCH", PATH)],
  ["PUT of the list", 405, "method_not_allowed", ask("PUT", PATH)],
  ["POST to the transports", 405, "method_not_allowed", ask("POST", "/-/transports")],
];

export const SUBSCRIPTIONS: Row[] = [...KEYS, ...ADDRESSES, ...ASKED, ...REQUESTS, ...PLACES];

/** A message of a server, with this client-data and these members. */
const message = (clientData: unknown, more: Record<string, unknown> = {}) => ({
  "push-subscribe": {
    topics: ["a", "b"],
    transport: {
      "transport-uri": "urn:ietf:rfc:8030",
      "client-data": typeof clientData === "string" ? clientData : JSON.stringify(clientData),
    },
    expires: "2126-01-01T00:00:00Z",
    ...more,
  },
});
const client = { endpoint: ADDRESS, keys: good.keys };

function push(body: unknown, details?: unknown, headers: Record<string, string> = {}) {
  return async (k: Kit) => {
    for (const secret of [SECRET_PATH, POINT, AUTH]) k.seen.keep(secret);
    const token = details === undefined ? await k.mayAll() : await k.token(details);
    return k.post("/-/gateway", "application/json", JSON.stringify(body), {
      authorization: `Bearer ${token}`,
      ...headers,
    });
  };
}

export const PUSH_SUBSCRIBES: Row[] = [
  ["one topic without a grant", 403, "invalid-topics", push(message(client), mayA)],
  ["a grant to publish alone", 403, "invalid-topics", push(message(client), [grant(["publish"], [{ match: "*" }])])],
  ["a topic that nobody can publish to", 403, "invalid-topics", push(message(client, { topics: ["a", "*"] }))],
  ["an empty topic", 403, "invalid-topics", push(message(client, { topics: ["", "a"] }))],
  ["no topics", 400, "bad_request", push(message(client, { topics: [] }))],
  ["101 topics", 400, "bad_request", push(message(client, { topics: Array.from({ length: 101 }, (_, n) => `${n}`) }))],
  ["no transport", 400, "bad_request", push(message(client, { transport: undefined }))],
  [
    "an unknown transport",
    400,
    "bad_request",
    push(message(client, {
      transport: { "transport-uri": "https://push.example.com/transport", "client-data": "XYZ" },
    })),
  ],
  ["client-data that is no JSON", 400, "bad_request", push(message("XYZ"))],
  ["client-data that is a list", 400, "bad_request", push(message("[]"))],
  ["client-data without an endpoint", 400, "bad_request", push(message({ keys: good.keys }))],
  ["client-data without keys", 400, "bad_request", push(message({ endpoint: ADDRESS }))],
  [
    "client-data with a bad key",
    400,
    "bad_request",
    push(message({ ...client, keys: { p256dh: offCurve, auth: AUTH } })),
  ],
  [
    "client-data with a bad address",
    400,
    "bad_address",
    push(message({ ...client, endpoint: `https://127.1/${SECRET_PATH}` })),
  ],
  ["client-data with a bad preference", 400, "bad_request", push(message({ ...client, maxDelay: -1 }))],
  ["an end that is no date", 400, "bad_request", push(message(client, { expires: "soon" }))],
  [
    "an end that is too late, strictly",
    400,
    "bad_request",
    push(message(client), undefined, { prefer: "return=minimal, handling=strict" }),
  ],
  ["a list", 400, "bad_request", push({ "push-subscribe": [] })],
];
