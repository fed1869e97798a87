import { exportJWK } from "jose";
import { createIssuers } from "../../src/access/issuers.ts";
import { PUSH_EVENT, type SecurityEvent, verifySecurityEvent } from "../../src/access/security_events.ts";
import { equal, refuses } from "../helpers/assert.ts";
import { setClaims, sign } from "../helpers/tokens.ts";
import { freshKey } from "../helpers/worker.ts";

const URL = "https://carillon.example";
const HUB = `${URL}/.well-known/mercure`;
const NOW = Date.UTC(2026, 10, 23, 12);
const HOUR = 3600;

const key = await freshKey("EdDSA");
const issuers = createIssuers(
  [{
    iss: "local",
    keys: { jwks: { keys: [await exportJWK(key.publicKey)] } },
    algorithms: ["EdDSA"],
    topics: [{ match: "https://dav.example/*", type: "urlpattern" }, { match: "a", type: "exact" }],
  }],
  HUB,
  fetch,
);

/** Verifies a SET with these claims at `NOW`; a good one was issued just now. */
async function verify(
  claims: Record<string, unknown> = {},
  typ: string | undefined = "secevent+jwt",
): Promise<SecurityEvent> {
  const set = await sign(key.privateKey, { alg: "EdDSA", typ }, setClaims(URL, { iat: NOW / 1000, ...claims }));
  return await verifySecurityEvent(set, issuers, { audience: URL, hubUrl: HUB }, new Date(NOW));
}

const messages = (...topics: string[]) => ({
  events: { [PUSH_EVENT]: { messages: topics.map((topic) => ({ topic, timestamp: "2026-11-23T11:00:00Z" })) } },
});

Deno.test("security event: its issuer, jti and changes are read", async () => {
  const { issuer, jti, changes } = await verify({ jti: "j", ...messages("a", "https://dav.example/x") });
  equal([issuer.iss, jti, changes.map(({ topics }) => topics)], ["local", "j", [["a"], ["https://dav.example/x"]]]);
  equal(changes.every((change) => change.private), true);
});

Deno.test("security event: the audience may be a list, and the typ may have its full name", async () => {
  equal((await verify({ aud: ["https://other.example", URL], jti: "j" })).jti, "j");
  equal((await verify({ jti: "j" }, "application/secevent+jwt")).jti, "j");
  equal((await verify({ jti: "j" }, "SecEvent+JWT")).jti, "j");
});

Deno.test("security event: the hub's own address is no audience for it", () => audienceRefused(HUB));
Deno.test("security event: an audience with a slash is another one", () => audienceRefused(`${URL}/`));

async function audienceRefused(aud: string): Promise<void> {
  await refuses("invalid_audience", () => verify({ aud }));
}

Deno.test("security event: it is fresh for a day and a minute, and from a minute ahead", async () => {
  for (const age of [24 * HOUR, 24 * HOUR + 60, -60, 0]) {
    equal((await verify({ jti: "j", iat: NOW / 1000 - age })).jti, "j");
  }
  for (const age of [24 * HOUR + 61, 48 * HOUR, -61, -HOUR, NOW / 1000]) {
    await refuses("invalid_set", () => verify({ iat: NOW / 1000 - age }));
  }
});

Deno.test("security event: a stale iat is told from a past exp", async () => {
  const { message } = await refuses("invalid_set", () => verify({ iat: NOW / 1000 - 48 * HOUR }));
  equal([message.includes("iat"), message.includes("exp ")], [true, false]);
});

Deno.test("security event: nbf and exp count where they are given", async () => {
  await refuses("invalid_set", () => verify({ nbf: NOW / 1000 + HOUR }));
  await refuses("invalid_set", () => verify({ exp: NOW / 1000 - HOUR }));
  equal((await verify({ jti: "j", nbf: NOW / 1000 - HOUR, exp: NOW / 1000 + HOUR })).jti, "j");
});

Deno.test("security event: a jti is 1 to 256 visible characters", async () => {
  for (const jti of ["j", "j".repeat(256), "ü 🔔"]) equal((await verify({ jti })).jti, jti);
  for (const jti of ["", "j".repeat(257), "a\0", "a\u200b", "\ud800", 7, null, ["j"]]) {
    await refuses("invalid_set", () => verify({ jti }));
  }
});

Deno.test("security event: every topic must be the issuer's", async () => {
  await refuses("access_denied", () => verify(messages("b")));
  await refuses("access_denied", () => verify(messages("a", "https://dav.example.evil/x")));
  await refuses("access_denied", () => verify(messages("/x")));
});

Deno.test("security event: the error of a topic is the topic's, of anything else the SET's", async () => {
  await refuses("bad_topic", () => verify(messages("*")));
  await refuses("invalid_set", () => verify(messages()));
  await refuses("invalid_set", () => verify({ events: { [PUSH_EVENT]: "messages" } }));
  await refuses("invalid_set", () => verify({ events: null }));
});

Deno.test("security event: other events beside ours are ignored", async () => {
  const { events } = messages("a");
  equal((await verify({ jti: "j", events: { ...events, "urn:example:other": { deep: [1] } } })).changes.length, 1);
});
