/** Verifying a JWT of a known issuer: what Security Event Tokens and access tokens have in common (RFC 8725). */
import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, jwtVerify, type JWTVerifyOptions } from "jose";
import { type Issuer, KeysUnavailable } from "./issuers.ts";

/** Why a token was refused. `claim` is set for `claim` alone. */
export type Refusal =
  | "malformed"
  | "embedded_key"
  | "unknown_issuer"
  | "key"
  | "signature"
  | "expired"
  | "keys_unavailable"
  | { claim: string };

/** Thrown by `verifyJwt`; each door says it in its protocol's own words. */
export class JwtRefused extends Error {
  constructor(readonly refusal: Refusal) {
    super(typeof refusal === "string" ? refusal : `claim ${refusal.claim}`);
    this.name = "JwtRefused";
  }
}

/** A `kid` is a hint of the sender's; these would let the sender choose the key itself (RFC 8725 3.10). */
const EMBEDDED_KEYS = ["jwk", "jku", "x5u", "x5c"];

/** Clocks may differ by so many seconds. */
export const CLOCK_TOLERANCE = 60;

/**
 * Verifies a compact JWT with the keys and algorithms of the issuer that it names. `options` pins `typ` and `audience`.
 * Throws `JwtRefused`.
 */
export async function verifyJwt(
  token: string,
  issuers: Map<string, Issuer>,
  options: JWTVerifyOptions,
): Promise<{ payload: JWTPayload; issuer: Issuer }> {
  const issuer = findIssuer(token, issuers);
  try {
    const algorithms = issuer.algorithms;
    const verified = await jwtVerify(token, issuer.key, { ...options, algorithms, issuer: issuer.iss });
    return { payload: verified.payload, issuer };
  } catch (error) {
    throw new JwtRefused(toRefusal(error));
  }
}

function findIssuer(token: string, issuers: Map<string, Issuer>): Issuer {
  const { header, iss } = peek(token);
  if (EMBEDDED_KEYS.some((name) => name in header)) throw new JwtRefused("embedded_key");
  const issuer = typeof iss === "string" ? issuers.get(iss) : undefined;
  if (!issuer) throw new JwtRefused("unknown_issuer");
  return issuer;
}

function peek(token: string): { header: Record<string, unknown>; iss: unknown } {
  try {
    return { header: { ...decodeProtectedHeader(token) }, iss: decodeJwt(token).iss };
  } catch {
    throw new JwtRefused("malformed");
  }
}

function toRefusal(error: unknown): Refusal {
  if (error instanceof errors.JWTExpired) return error.claim === "iat" ? { claim: "iat" } : "expired";
  if (error instanceof errors.JWTClaimValidationFailed) return { claim: error.claim };
  if (error instanceof errors.JWSSignatureVerificationFailed) return "signature";
  if (error instanceof KeysUnavailable || error instanceof errors.JWKSTimeout) return "keys_unavailable";
  if (error instanceof errors.JWTInvalid || error instanceof errors.JWSInvalid) return "malformed";
  return "key";
}
