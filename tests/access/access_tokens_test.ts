import fc from "fast-check";
import { exportJWK } from "jose";
import { createTokenVerifier } from "../../src/access/access_tokens.ts";
import { createIssuers } from "../../src/access/issuers.ts";
import { GRANT_TYPE, hasGrant, isGranted } from "../../src/model/grant.ts";
import { equal, ok, refuses } from "../helpers/assert.ts";
import { manualClock } from "../helpers/clock.ts";
import { accessClaims, grant, type Header, sign } from "../helpers/tokens.ts";
import { freshKey } from "../helpers/worker.ts";

const URL = "https://carillon.example";
const HUB = `${URL}/.well-known/mercure`;
const MINUTE = 60_000;

const key = await freshKey("EdDSA");
const keys = { jwks: { keys: [await exportJWK(key.publicKey)] } };
const entry = { iss: "local", keys, algorithms: ["EdDSA" as const], topics: [{ match: "*", type: "exact" as const }] };

/** A verifier on a clock of its own, whose key finder counts how often it is asked. */
function setUp() {
  const clock = manualClock();
  const issuers = createIssuers([entry], HUB, fetch);
  const issuer = issuers.get("local")!;
  const found = { times: 0 };
  const find = issuer.key;
  issuer.key = (...asked: Parameters<typeof find>) => (found.times++, find(...asked));
  return { clock, found, verify: createTokenVerifier({ issuers, audience: [URL, HUB], hubUrl: HUB, now: clock.now }) };
}

const all = [grant(["publish", "subscribe"], [{ match: "*" }])];
const start = manualClock().now() / 1000;

function tokenOf(
  details: unknown,
  claims: Record<string, unknown> = {},
  header: Partial<Header> = {},
): Promise<string> {
  const times = { iat: start, exp: start + 3600 };
  return sign(
    key.privateKey,
    { alg: "EdDSA", typ: "at+jwt", ...header },
    accessClaims(URL, details, { ...times, ...claims }),
  );
}

Deno.test("access token: grants, issuer and end are read", async () => {
  const bearer = await setUp().verify(
    await tokenOf([
      grant(["publish"], [{ match: "a" }]),
      grant(["subscribe"], [{ match: "/b/*", match_type: "urlpattern" }]),
    ]),
  );
  equal([bearer.expiresAt, bearer.iss], [(start + 3600) * 1000, "local"]);
  ok(isGranted(bearer, "publish", "a") && !isGranted(bearer, "subscribe", "a"));
  ok(isGranted(bearer, "subscribe", "/b/c") && !isGranted(bearer, "publish", "/b/c"));
});

Deno.test("access token: the audience is the worker or its hub", async () => {
  for (const aud of [URL, HUB, ["https://other.example", HUB]]) await setUp().verify(await tokenOf(all, { aud }));
  for (const aud of [`${URL}/`, "https://other.example", [], undefined]) {
    await refuses("invalid_token", async () => setUp().verify(await tokenOf(all, { aud })));
  }
});

Deno.test("access token: sub, client_id, iat and jti may be missing", async () => {
  const bearer = await setUp().verify(await tokenOf(all, { sub: undefined, iat: undefined }));
  ok(hasGrant(bearer, "publish"));
});

Deno.test("access token: details of other types are none of ours, whatever they hold", async () => {
  const others = [{ type: "payment", actions: 7, topics: "x" }, { type: `${GRANT_TYPE}s` }];
  const bearer = await setUp().verify(await tokenOf([...others, ...all]));
  equal(bearer.grants.length, 1);
});

Deno.test("access token: a payload is read, unknown members of an entry are ignored", async () => {
  const payload = { user: 1, deep: { a: [null, "ä"] } };
  const bearer = await setUp().verify(
    await tokenOf([grant(["subscribe"], [{ match: "a", note: 1 }], { payload, x: [] })]),
  );
  ok(isGranted(bearer, "subscribe", "a"));
  equal(bearer.grants[0]!.payload, payload);
});

Deno.test("access token: a payload that is no object, or longer than 1 KiB, makes it void", async () => {
  for (const payload of ["text", 7, null, [], { a: "x".repeat(1_017) }]) {
    const details = [...all, grant(["subscribe"], [{ match: "a" }], { payload })];
    await refuses("invalid_token", async () => setUp().verify(await tokenOf(details)));
  }
  await setUp().verify(await tokenOf([grant(["subscribe"], [{ match: "a" }], { payload: { a: "x".repeat(1_016) } })]));
});

Deno.test("access token: any payload is kept as it is, or makes the token void", async () => {
  const { verify } = setUp();
  await fc.assert(
    fc.asyncProperty(fc.jsonValue({ maxDepth: 4 }), async (payload) => {
      const token = await tokenOf([grant(["subscribe"], [{ match: "a" }], { payload })]);
      const isObject = typeof payload === "object" && payload !== null && !Array.isArray(payload);
      const bytes = new TextEncoder().encode(JSON.stringify(payload)).byteLength;
      if (!isObject || bytes > 1024) return void await refuses("invalid_token", () => verify(token));
      equal(JSON.stringify((await verify(token)).grants[0]!.payload), JSON.stringify(payload));
    }),
    { numRuns: 100, examples: [[JSON.parse('{"__proto__":{"a":1},"constructor":null}')]] },
  );
});

Deno.test("access token: an unknown action grants nothing, and takes nothing away", async () => {
  const bearer = await setUp().verify(
    await tokenOf([grant(["administer", "subscribe"], [{ match: "a" }]), grant(["administer"], [{ match: "b" }])]),
  );
  equal(bearer.grants.map(({ actions }) => actions), [["subscribe"], []]);
  ok(isGranted(bearer, "subscribe", "a") && !isGranted(bearer, "subscribe", "b"));
});

Deno.test("access token: with more than a hundred entries it is void", async () => {
  const entries = (count: number) => Array(count).fill(grant(["publish"], [{ match: "a" }]));
  equal((await setUp().verify(await tokenOf(entries(100)))).grants.length, 100);
  await refuses("invalid_token", async () => setUp().verify(await tokenOf(entries(101))));
});

Deno.test("access token: without details it is good, and grants nothing", async () => {
  const bearer = await setUp().verify(await tokenOf(undefined));
  ok(!hasGrant(bearer, "publish") && !hasGrant(bearer, "subscribe"));
});

Deno.test("access token: typ at+jwt may have its full name, and nothing else will do", async () => {
  for (const typ of ["at+jwt", "AT+JWT", "application/at+jwt"]) await setUp().verify(await tokenOf(all, {}, { typ }));
  for (const typ of ["JWT", "secevent+jwt", "", undefined]) {
    await refuses("invalid_token", async () => setUp().verify(await tokenOf(all, {}, { typ })));
  }
});

Deno.test("access token: it is remembered for a minute, then verified again", async () => {
  const { verify, clock, found } = setUp();
  const token = await tokenOf(all);
  for (let round = 0; round < 5; round++) await verify(token);
  equal(found.times, 1);
  clock.advance(MINUTE);
  await verify(token);
  equal(found.times, 2);
});

Deno.test("access token: what is remembered ends with the token's exp to the second", async () => {
  const { verify, clock } = setUp();
  const token = await tokenOf(all, { exp: start + 30 });
  await verify(token);
  clock.advance(29_999);
  await verify(token);
  clock.advance(1);
  await refuses("invalid_token", () => verify(token));
});

Deno.test("access token: a refused one is not remembered as good, nor a good one as refused", async () => {
  const { verify, clock } = setUp();
  const early = await tokenOf(all, { nbf: start + 600 });
  await refuses("invalid_token", () => verify(early));
  clock.advance(10 * MINUTE);
  await verify(early);
});

Deno.test("access token: a token of which one letter differs is another token", async () => {
  const { verify } = setUp();
  const token = await tokenOf(all);
  await verify(token);
  const [header, payload, signature] = token.split(".") as [string, string, string];
  const other = signature.startsWith("A") ? "B" : "A";
  await refuses("invalid_token", () => verify(`${header}.${payload}.${other}${signature.slice(1)}`));
});

Deno.test("access token: more tokens than are remembered are all verified", async () => {
  const { verify, found } = setUp();
  const tokens = await Promise.all(Array.from({ length: 1_005 }, (_, sub) => tokenOf(all, { sub: `${sub}` })));
  for (const token of tokens) await verify(token);
  equal(found.times, tokens.length);
});

Deno.test("access token: the refusal carries a challenge that names the fault, not the token", async () => {
  const token = await tokenOf([grant(["publish"], ["secret-topic"])], { sub: "secret-owner" });
  const { headers, message } = await refuses("invalid_token", () => setUp().verify(token));
  ok(headers["www-authenticate"]?.startsWith('Bearer error="invalid_token"'));
  for (const secret of [token, "secret-topic", "secret-owner"]) {
    ok(!(JSON.stringify(headers) + message).includes(secret));
  }
});
