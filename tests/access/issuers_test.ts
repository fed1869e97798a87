import { exportJWK, type JWK } from "jose";
import { createIssuers } from "../../src/access/issuers.ts";
import { JwtRefused, verifyJwt } from "../../src/access/jwt.ts";
import type { IssuerConfig } from "../../src/config/issuers.ts";
import { equal, ok } from "../helpers/assert.ts";
import { movableDate, openJwksServer } from "../helpers/jwks_server.ts";
import { type Key, sign } from "../helpers/tokens.ts";
import { freshKey } from "../helpers/worker.ts";

const HUB = "https://carillon.example/.well-known/mercure";
const SECRET = "a secret of the tests, long enough for HS256";
const TOPICS = [{ match: "*", type: "exact" as const }];

const old = await freshKey("EdDSA");
const fresh = await freshKey("EdDSA");
const jwk = async (key: CryptoKeyPair, kid: string): Promise<JWK> => ({ ...await exportJWK(key.publicKey), kid });
const [oldJwk, freshJwk] = [await jwk(old, "old"), await jwk(fresh, "fresh")];

function issuerOf(keys: IssuerConfig["keys"], algorithms: IssuerConfig["algorithms"] = ["EdDSA"]) {
  return createIssuers([{ iss: "remote", keys, algorithms, topics: TOPICS }], HUB, fetch);
}

const tokenOf = (key: Key, kid?: string, alg = "EdDSA") => sign(key, { alg, kid }, { iss: "remote" });

/** `verified`, or why the token was refused. */
async function outcome(issuers: ReturnType<typeof issuerOf>, token: string): Promise<unknown> {
  try {
    return (await verifyJwt(token, issuers, {})).issuer.iss === "remote" && "verified";
  } catch (thrown) {
    ok(thrown instanceof JwtRefused, `${thrown}`);
    return thrown.refusal;
  }
}

Deno.test("issuers: a key set by address is fetched once, for tokens that come together and for those that follow", async () => {
  await using server = openJwksServer([oldJwk]);
  const issuers = issuerOf({ jwks_uri: server.url });
  const token = await tokenOf(old.privateKey, "old");
  equal(server.state.fetches, 0);
  const together = await Promise.all(Array.from({ length: 10 }, () => outcome(issuers, token)));
  for (let round = 0; round < 5; round++) together.push(await outcome(issuers, token));
  equal([new Set(together), server.state.fetches], [new Set(["verified"]), 1]);
});

Deno.test("issuers: a new key is found after the cooldown, and one that was withdrawn is gone", async () => {
  using date = movableDate();
  await using server = openJwksServer([oldJwk]);
  const issuers = issuerOf({ jwks_uri: server.url });
  equal(await outcome(issuers, await tokenOf(old.privateKey, "old")), "verified");
  server.state.keys = [freshJwk];
  date.advance(31_000);
  equal(await outcome(issuers, await tokenOf(fresh.privateKey, "fresh")), "verified");
  equal(await outcome(issuers, await tokenOf(old.privateKey, "old")), "key");
  equal(server.state.fetches, 2);
});

Deno.test("issuers: unknown kids cause one fetch in a cooldown, however many they are", async () => {
  using date = movableDate();
  await using server = openJwksServer([oldJwk]);
  const issuers = issuerOf({ jwks_uri: server.url });
  for (const fetches of [1, 2, 3]) {
    for (let kid = 0; kid < 10; kid++) equal(await outcome(issuers, await tokenOf(fresh.privateKey, `${kid}`)), "key");
    equal(server.state.fetches, fetches);
    date.advance(31_000);
  }
});

Deno.test("issuers: a key set is fetched anew when it is old, so that a withdrawn key ends", async () => {
  using date = movableDate();
  await using server = openJwksServer([oldJwk]);
  const issuers = issuerOf({ jwks_uri: server.url });
  const token = await tokenOf(old.privateKey, "old");
  equal(await outcome(issuers, token), "verified");
  server.state.keys = [freshJwk];
  date.advance(11 * 60_000);
  equal(await outcome(issuers, token), "key");
});

const FAULTS: Record<string, () => Response> = {
  "an error": () => new Response(null, { status: 500 }),
  "not found": () => new Response(null, { status: 404 }),
  "a redirect": () => new Response(null, { status: 302, headers: { location: "http://127.0.0.1:1/keys" } }),
  "no JSON": () => new Response("<html>"),
  "no key set": () => Response.json({ keys: "none" }),
  "nothing": () => new Response(""),
};

for (const [what, answer] of Object.entries(FAULTS)) {
  Deno.test(`issuers: a key set that answers ${what} is keys_unavailable, and works again when it does`, async () => {
    await using server = openJwksServer([oldJwk]);
    server.state.answer = answer();
    const token = await tokenOf(old.privateKey, "old");
    equal(await outcome(issuerOf({ jwks_uri: server.url }), token), "keys_unavailable");
    server.state.answer = undefined;
    equal(await outcome(issuerOf({ jwks_uri: server.url }), token), "verified");
  });
}

for (const path of ["/jwks.json", "/oauth/keys", "/algorithms/jwks", "/discovery/v2.0/keys?CryptoKey"]) {
  Deno.test(`issuers: a key set that is down is keys_unavailable, also at the address ${path}`, async () => {
    const server = openJwksServer([], path);
    await server.close();
    equal(await outcome(issuerOf({ jwks_uri: server.url }), await tokenOf(old.privateKey, "old")), "keys_unavailable");
  });
}

Deno.test("issuers: a key set that fails is not asked again for every token", async () => {
  await using server = openJwksServer([]);
  server.state.answer = new Response(null, { status: 500 });
  const issuers = issuerOf({ jwks_uri: server.url });
  const token = await tokenOf(old.privateKey, "old");
  for (let round = 0; round < 20; round++) equal(await outcome(issuers, token), "keys_unavailable");
  ok(server.state.fetches <= 5, `20 tokens, ${server.state.fetches} fetches`);
});

Deno.test("issuers: a broken key in a set by address refuses its own tokens, and stops no others", async () => {
  await using server = openJwksServer([{ kty: "OKP", crv: "Ed25519", x: "AA", kid: "broken" }, oldJwk]);
  const issuers = issuerOf({ jwks_uri: server.url });
  equal(await outcome(issuers, await tokenOf(fresh.privateKey, "broken")), "key");
  equal(await outcome(issuers, await tokenOf(old.privateKey, "old")), "verified");
});

Deno.test("issuers: the right key is chosen by kid, and without a kid the only one", async () => {
  const both = issuerOf({ jwks: { keys: [oldJwk, freshJwk] } });
  // The second time what was found before is known.
  for (const _ of ["first", "second"]) {
    equal(await outcome(both, await tokenOf(fresh.privateKey, "fresh")), "verified");
    equal(await outcome(both, await tokenOf(fresh.privateKey, "old")), "signature");
    equal(await outcome(both, await tokenOf(fresh.privateKey, "other")), "key");
    equal(await outcome(both, await tokenOf(fresh.privateKey)), "key");
  }
  equal(await outcome(issuerOf({ jwks: { keys: [oldJwk] } }), await tokenOf(old.privateKey)), "verified");
});

Deno.test("issuers: EdDSA is also called Ed25519 (RFC 9864)", async () => {
  equal(
    await outcome(issuerOf({ jwks: { keys: [oldJwk] } }), await tokenOf(old.privateKey, "old", "Ed25519")),
    "verified",
  );
});

Deno.test("issuers: every algorithm verifies with a key of its kind", async () => {
  for (const alg of ["ES256", "RS256"] as const) {
    const key = await freshKey(alg);
    const issuers = issuerOf({ jwks: { keys: [await jwk(key, "k")] } }, [alg]);
    equal(await outcome(issuers, await tokenOf(key.privateKey, "k", alg)), "verified");
  }
  const secret = new TextEncoder().encode(SECRET);
  equal(await outcome(issuerOf({ secret: SECRET }, ["HS256"]), await tokenOf(secret, undefined, "HS256")), "verified");
});

Deno.test("issuers: a public key never serves as a secret, nor a secret where a public key is due", async () => {
  const secret = new TextEncoder().encode(JSON.stringify(oldJwk));
  const forged = await tokenOf(secret, "old", "HS256");
  equal(await outcome(issuerOf({ jwks: { keys: [oldJwk] } }), forged), "key");
  equal(await outcome(issuerOf({ jwks: { keys: [oldJwk] } }, ["EdDSA", "HS256"]), forged), "key");
  equal(await outcome(issuerOf({ secret: SECRET }, ["HS256"]), await tokenOf(old.privateKey, "old")), "key");
});

Deno.test("issuers: an algorithm that is not the issuer's is refused, though one of its keys would fit", async () => {
  const [ec, rsa] = [await freshKey("ES256"), await freshKey("RS256")];
  const keys = { jwks: { keys: [oldJwk, await jwk(ec, "ec"), await jwk(rsa, "rsa")] } };
  equal(await outcome(issuerOf(keys), await tokenOf(ec.privateKey, "ec", "ES256")), "key");
  equal(await outcome(issuerOf(keys, ["ES256"]), await tokenOf(ec.privateKey, "ec", "ES256")), "verified");
  const pss = await crypto.subtle.importKey(
    "jwk",
    await exportJWK(rsa.privateKey) as JsonWebKey,
    { name: "RSA-PSS", hash: "SHA-256" },
    false,
    ["sign"],
  );
  equal(await outcome(issuerOf(keys, ["RS256"]), await tokenOf(pss, "rsa", "PS256")), "key");
});

Deno.test("issuers: a key that is no key refuses its tokens, and nothing breaks", async () => {
  for (
    const broken of [{ kty: "EC", crv: "P-256" }, { kty: "OKP", crv: "Ed25519", x: "AA" }, {
      kty: "RSA",
      n: "AA",
      e: "AQAB",
    }]
  ) {
    for (const [alg, key] of [["EdDSA", old], ["ES256", await freshKey("ES256")]] as const) {
      const issuers = issuerOf({ jwks: { keys: [{ ...broken, kid: "k" }] } }, ["EdDSA", "ES256", "RS256"]);
      equal(await outcome(issuers, await tokenOf(key.privateKey, "k", alg)), "key");
    }
  }
});
