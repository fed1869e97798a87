/** JWTs as a vendor checks them (RFC 7515, RFC 7519), by node:crypto and not by the code that signs. */
import { Buffer } from "node:buffer";
import { type KeyObject, verify } from "node:crypto";

export type Jwt = { header: Record<string, unknown>; claims: Record<string, unknown> };

/** Signatures that were checked: a client sends one token thousands of times. */
const checked = new Map<string, Jwt>();
const MAX_CHECKED = 1_000;

/** Reads a token. Throws what is wrong with its form or its signature, never with its claims. */
export function checkJwt(token: string, key: KeyObject, alg: "ES256" | "RS256"): Jwt {
  const known = checked.get(token);
  if (known) return known;
  const [, head, body, signature] = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/.exec(token) ?? [];
  if (!head || !body || !signature) throw new Error("it is not of the form HEADER.CLAIMS.SIGNATURE");
  const jwt = { header: parse(head), claims: parse(body) };
  if (jwt.header.alg !== alg) throw new Error("its algorithm is another one");
  const verifying = alg === "ES256" ? { key, dsaEncoding: "ieee-p1363" as const } : key;
  if (!verify("sha256", Buffer.from(`${head}.${body}`), verifying, Buffer.from(signature, "base64url"))) {
    throw new Error("its signature is not good");
  }
  if (checked.size > MAX_CHECKED) checked.clear();
  checked.set(token, jwt);
  return jwt;
}

function parse(part: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(part, "base64url").toString());
}
