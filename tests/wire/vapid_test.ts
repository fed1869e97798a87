import { Buffer } from "node:buffer";
import fc from "fast-check";
import { decodeProtectedHeader } from "jose";
import webPush from "web-push";
import { importVapidKey, printVapid, TOKEN_LIFE } from "../../src/wire/vapid.ts";
import { equal, ok, throws } from "../helpers/assert.ts";
import { component } from "../helpers/component.ts";
import { findPyVapid, verdictsOf } from "../helpers/py_vapid.ts";
import { checkVapid } from "../helpers/vapid_check.ts";
import { freshVapidJwk, freshVapidKey } from "../helpers/vapid_keys.ts";
import { readVectors } from "../helpers/vectors.ts";

const vector = await readVectors("rfc8292");
const contact = "mailto:admin@dav.example", audience = "https://push.example.net:8443";
const now = Date.UTC(2026, 10, 23);

const tokenOf = (header: string) => /t=([^,]+)/.exec(header)![1]!;

Deno.test("vapid: the token of RFC 8292 2.4 is good by the reading that our own is checked with", () => {
  const header = `vapid t=${vector.t}, k=${vector.k}`;
  const checked = checkVapid(header, { audience: vector.aud, now: (vector.exp - 60) * 1000 });
  equal(checked, { aud: vector.aud, exp: vector.exp, sub: vector.sub, k: vector.k });
});

Deno.test("vapid: that reading refuses a changed, a late, an early and a misdirected token", () => {
  const header = `vapid t=${vector.t}, k=${vector.k}`, at = (vector.exp - 60) * 1000;
  const [head, , signature] = vector.t.split(".");
  const claims = Buffer.from(JSON.stringify({ aud: vector.aud, exp: vector.exp, sub: "mailto:me@else.example" }));
  const forged = `vapid t=${head}.${claims.toString("base64url")}.${signature}, k=${vector.k}`;
  throws(() => checkVapid(forged, { audience: vector.aud, now: at }), Error);
  throws(() => checkVapid(header, { audience: vector.aud, now: vector.exp * 1000 }), Error);
  throws(() => checkVapid(header, { audience: vector.aud, now: vector.exp * 1000 - 24 * 3_600_000 - 1 }), Error);
  throws(() => checkVapid(header, { audience, now: at }), Error);
});

Deno.test("vapid: what we print is good, names one push service, and lasts half a day", async () => {
  const key = await freshVapidKey();
  const header = await printVapid(key, { audience, contact, now });
  const exp = now / 1000 + TOKEN_LIFE;
  equal(checkVapid(header, { audience, now }), { aud: audience, exp, sub: contact, k: key.point });
  equal(decodeProtectedHeader(tokenOf(header)), { typ: "JWT", alg: "ES256" });
});

Deno.test("vapid: a key of the web-push package is read as the key that it is", async () => {
  const { publicKey, privateKey } = webPush.generateVAPIDKeys();
  const point = Buffer.from(publicKey, "base64url");
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((bytes) => bytes.toString("base64url"));
  const key = await importVapidKey({ kty: "EC", crv: "P-256", x, y, d: privateKey });
  equal(key.point, publicKey);
  const theirs = webPush.getVapidHeaders(audience, contact, publicKey, privateKey, "aes128gcm").Authorization;
  const ours = await printVapid(key, { audience, contact, now: Date.now() });
  const [a, b] = [theirs, ours].map((header) => checkVapid(header, { audience, now: Date.now() }));
  equal({ ...a!, exp: 0 }, { ...b!, exp: 0 });
});

Deno.test("vapid: the private key leaves neither in the header nor out of its handle", async () => {
  const jwk = await freshVapidJwk(), key = await importVapidKey(jwk);
  ok(!key.privateKey.extractable);
  ok(!(await printVapid(key, { audience, contact, now })).includes(jwk.d!));
});

const withPyVapid = await component("py-vapid", findPyVapid);

withPyVapid(
  "vapid: py-vapid finds our headers good, for any contact and push service, and changed ones bad",
  async (python) => {
    const key = await freshVapidKey();
    const inputs = fc.sample(
      fc.record({ contact: fc.emailAddress().map((address) => `mailto:${address}`), audience: fc.webUrl() }),
      20,
    );
    const headers = await Promise.all(
      inputs.map(({ contact, audience }) => printVapid(key, { contact, audience: new URL(audience).origin, now })),
    );
    equal(new Set(await verdictsOf(python, headers)), new Set(["good"]));
    const changed = headers.map((header) =>
      header.replace(/(t=[^.]+\.)(.)/, (_, begin, first) => begin + (first === "A" ? "B" : "A"))
    );
    equal(new Set(await verdictsOf(python, changed)), new Set(["bad signature"]));
  },
);
