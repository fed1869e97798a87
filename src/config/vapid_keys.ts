/** The VAPID keys that an operator brings (RFC 8292): private JWKs of P-256. */
import { Buffer } from "node:buffer";
import { createECDH } from "node:crypto";
import { z } from "zod";

const bytes = z.string().regex(/^[\w-]{43}$/, "is not 32 bytes of base64url");

const vapidKey = z.object({
  kty: z.literal("EC", "is not EC"),
  crv: z.literal("P-256", "is not P-256"),
  x: bytes,
  y: bytes,
  d: bytes,
}, "is no private JWK").refine(isKeyPair, "has a d that does not go with its x and y");

export const vapidKeys = z.array(vapidKey).min(1, "holds no key");

function isKeyPair({ x, y, d }: { x: string; y: string; d: string }): boolean {
  const point = Buffer.concat([Buffer.of(4), Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]);
  const pair = createECDH("prime256v1");
  try {
    pair.setPrivateKey(d, "base64url");
    return pair.getPublicKey().equals(point);
  } catch {
    return false;
  }
}
