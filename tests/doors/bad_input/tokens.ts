/** Bad tokens, and bad ways to bring good ones, at every door that wants one. */
import { bytes, COOKIE, EVENT_DATA, FORM_TYPE, HUB, type Kit, type Row } from "../../helpers/bad_input.ts";
import { accessClaims, grant, sign, unsigned } from "../../helpers/tokens.ts";

export type Knock = (k: Kit, headers: Record<string, string>, query?: string) => Promise<Response>;

const PUSH = JSON.stringify({ push: [{ topic: "a", timestamp: "2026-11-23T14:00:52Z", data: EVENT_DATA }] });

/** A good request at each door, but for its token. */
export const DOORS = {
  gateway: (k, headers, query = "") => k.post(`/-/gateway${query}`, "application/json", PUSH, headers),
  update: (k, headers, query = "") => k.post(`${HUB}${query}`, FORM_TYPE, `topic=a&data=${EVENT_DATA}`, headers),
  stream: (k, headers, query = "?match=a") => k.send(`${HUB}${query}`, { headers }),
  metrics: (k, headers, query = "") => k.send(`/-/metrics${query}`, { headers }),
} satisfies Record<string, Knock>;

const now = Math.floor(Date.now() / 1000);
const all = [grant(["publish", "subscribe"], [{ match: "*" }])];
const none = (k: Kit) => Promise.resolve(unsigned({ alg: "none", typ: "at+jwt" }, accessClaims(k.url, all)));
const pattern = (match: string) => [grant(["publish"], [{ match, match_type: "urlpattern" }])];

/** `authorization_details` that make a token void (Mercure, "Authorization"). */
const DETAILS: Record<string, unknown> = {
  "details that are no list": { type: "x" },
  "an entry without actions": [grant(undefined, [{ match: "a" }])],
  "an entry without an action": [grant([], [{ match: "a" }])],
  "an entry with an action that is no text": [grant(["publish", 7], [{ match: "a" }])],
  "an entry without topics": [grant(["publish"], [])],
  "an entry with a topic as text": [grant(["publish"], ["a"])],
  "an entry with a topic of null": [grant(["publish"], [null])],
  "an entry with an unknown match_type": [grant(["publish"], [{ match: "a", match_type: "regexp" }])],
  "an entry with 101 topics": [grant(["publish"], Array(101).fill({ match: "a" }))],
  "101 entries": Array(101).fill(grant(["publish"], [{ match: "a" }])),
  "a payload that is no object": [grant(["subscribe"], [{ match: "a" }], { payload: "text" })],
  "a payload over 1 KiB": [grant(["subscribe"], [{ match: "a" }], { payload: { a: "ä".repeat(510) } })],
  "a malformed entry beside a good one": [...all, grant("publish", [{ match: "*" }])],
  "a matcher that does not compile": pattern("https://["),
  "a matcher that costs too much": pattern("https://dav.example/{(a|a)}*y"),
};

const TOKENS: Record<string, (k: Kit) => Promise<string>> = {
  "an expired token": (k) => k.token(all, { exp: now - 1 }),
  "a token without exp": (k) => k.token(all, { exp: undefined }),
  "a token for later": (k) => k.token(all, { nbf: now + 600 }),
  "a token for another hub": (k) => k.token(all, { aud: "https://other.example/.well-known/mercure" }),
  "a token without an audience": (k) => k.token(all, { aud: undefined }),
  "a token of an unknown issuer": (k) => k.token(all, { iss: "nobody" }),
  "a token of another typ": (k) => k.token(all, {}, { typ: "JWT" }),
  "a token with a jwk header": (k) => k.token(all, {}, { jwk: { ...k.keys.public } }),
  "a token with a jku header": (k) => k.token(all, {}, { jku: "https://evil.example/jwks" }),
  "a token with an x5u header": (k) => k.token(all, {}, { x5u: "https://evil.example/x5u" }),
  "a token that nobody signed": none,
  "a token under a stranger's key": (k) => signedBy(k, "EdDSA", k.keys.stranger),
  "a token under the public key as a secret": (k) => signedBy(k, "HS256", bytes(JSON.stringify(k.keys.public))),
  "a SET as a token": (k) => k.set(),
  "something that is no token": () => Promise.resolve("garbage"),
};

const HEADERS = ["Bearer", "Bearer a b", "Bearer %C3%A4", "Bearer a, Bearer b"];
const SCHEMES = ["Basic dGVzdGVyOnRlc3Rlcg==", "DPoP a.b.c", "a.b.c"];
const URL_NAMES = ["access_token", "authorization", "Token", "jwt"];
const FOREIGN = ["https://evil.example", "null", "https://app.example:444", "http://app.example"];

function rowsOf(door: keyof typeof DOORS): Row[] {
  const knock: Knock = DOORS[door];
  const bearing = (make: (k: Kit) => Promise<string>) => async (k: Kit) =>
    knock(k, { authorization: `Bearer ${k.seen.keep(await make(k))}` });
  const cookie = async (k: Kit, origin: string) => knock(k, { cookie: `${COOKIE}=${await k.mayAll()}`, origin });
  return [
    ["no token", 401, "missing_token", (k) => knock(k, {})],
    ...Object.entries(TOKENS).map(([what, make]): Row => [what, 401, "invalid_token", bearing(make)]),
    ...Object.entries(DETAILS).map((
      [what, details],
    ): Row => [`a token with ${what}`, 401, "invalid_token", bearing((k) => k.token(details))]),
    ...HEADERS.map((
      authorization,
    ): Row => [`the header ${authorization}`, 400, "bad_request", (k) => knock(k, { authorization })]),
    ...SCHEMES.map((
      authorization,
    ): Row => [`the header ${authorization}`, 401, "missing_token", (k) => knock(k, { authorization })]),
    ...URL_NAMES.map((
      name,
    ): Row => [
      `a token in the URL as ${name}`,
      400,
      "token_in_url",
      async (k) => knock(k, {}, `?match=a&${name}=${await k.mayAll()}`),
    ]),
    ...FOREIGN.map((origin): Row => [`a cookie from ${origin}`, 403, "origin_refused", (k) => cookie(k, origin)]),
  ];
}

export const TOKEN_ROWS = Object.fromEntries(
  (Object.keys(DOORS) as (keyof typeof DOORS)[]).map((door) => [door, rowsOf(door)]),
);

async function signedBy(k: Kit, alg: string, key: CryptoKey | Uint8Array): Promise<string> {
  return await sign(key, { alg, typ: "at+jwt" }, accessClaims(k.url, all));
}
