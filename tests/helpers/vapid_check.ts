/** VAPID as a push service checks it (RFC 8292 4.2), by node:crypto and not by the code that signs. */
import { Buffer } from "node:buffer";
import { createPublicKey, verify } from "node:crypto";
import vapidRules from "web-push/src/vapid-helper.js";

/** What a header says that was found good. `k` is the public key. */
export type Vapid = { aud: string; exp: number; sub: string; k: string };

const HEADER = /^vapid t=([\w-]+)\.([\w-]+)\.([\w-]+), ?k=([\w-]+)$/;

/** Milliseconds: RFC 8292 2. */
const LONGEST = 24 * 3_600_000;

/** Reads an `Authorization`. Throws what is wrong with it. */
export function checkVapid(header: string, { audience, now }: { audience: string; now: number }): Vapid {
  const [, head, body, signature, k] = HEADER.exec(header) ?? [];
  if (!head || !body || !signature || !k) throw new Error("it is not of the form vapid t=TOKEN, k=KEY");
  // What the web-push package demands of whom it signs for.
  vapidRules.validatePublicKey(k);
  const { alg } = parse(head), claims = parse(body) as Omit<Vapid, "k">;
  const key = { key: toKey(k), dsaEncoding: "ieee-p1363" as const };
  const isSigned = verify("sha256", Buffer.from(`${head}.${body}`), key, Buffer.from(signature, "base64url"));
  if (alg !== "ES256" || !isSigned) throw new Error("its signature is not good");
  if (claims.aud !== audience) throw new Error("it is for another audience");
  if (!(claims.exp * 1000 > now && claims.exp * 1000 <= now + LONGEST)) throw new Error("its exp is not within a day");
  vapidRules.validateSubject(claims.sub);
  return { ...claims, k };
}

function parse(part: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(part, "base64url").toString());
}

function toKey(k: string) {
  const point = Buffer.from(k, "base64url");
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((bytes) => bytes.toString("base64url"));
  return createPublicKey({ key: { kty: "EC", crv: "P-256", x, y }, format: "jwk" });
}
