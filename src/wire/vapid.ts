/** VAPID (RFC 8292): who sends, said to a push service in a token of its own. */
import { type CryptoKey, importJWK, type JWK, SignJWT } from "jose";

/** `point` is the public key as `k` and a browser's `applicationServerKey` have it: 65 bytes, base64url. */
export type VapidKey = { point: string; privateKey: CryptoKey };

/** Seconds that a token is good for; RFC 8292 2: at most 24 hours. */
export const TOKEN_LIFE = 12 * 3600;

/** Reads a private JWK of P-256. */
export async function importVapidKey(jwk: JWK): Promise<VapidKey> {
  return { point: pointOf(jwk), privateKey: await importJWK(jwk, "ES256") as CryptoKey };
}

function pointOf({ x, y }: JWK): string {
  const [left, right] = [x!, y!].map((text) => Uint8Array.fromBase64(text, { alphabet: "base64url" }));
  return new Uint8Array([4, ...left!, ...right!]).toBase64({ alphabet: "base64url", omitPadding: true });
}

/**
 * Prints the `Authorization` of one push service. `audience` is its origin, `contact` a `mailto:` or `https:` URI, `now`
 * milliseconds since 1970.
 */
export async function printVapid(
  { point, privateKey }: VapidKey,
  { audience, contact, now }: { audience: string; contact: string; now: number },
): Promise<string> {
  const token = await new SignJWT({ aud: audience, exp: Math.floor(now / 1000) + TOKEN_LIFE, sub: contact })
    .setProtectedHeader({ typ: "JWT", alg: "ES256" })
    .sign(privateKey);
  return `vapid t=${token}, k=${point}`;
}
