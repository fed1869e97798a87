/** A user agent: its keys, and what it reads of a message, by `http_ece` and not by our own code (RFC 8291). */
import { Buffer } from "node:buffer";
import { createECDH, randomBytes } from "node:crypto";
import ece from "http_ece";
import type { PushKeys } from "../../src/model/subscription.ts";

export type UserAgent = { keys: PushKeys; decrypt: (body: Uint8Array) => string };

export function createUserAgent(): UserAgent {
  const privateKey = createECDH("prime256v1");
  const p256dh = privateKey.generateKeys("base64url");
  const auth = randomBytes(16).toString("base64url");
  return {
    keys: { p256dh, auth },
    /** Throws when the message is not for it, or was changed. */
    decrypt: (body) =>
      ece.decrypt(Buffer.from(body), { version: "aes128gcm", privateKey, authSecret: auth }).toString("utf8"),
  };
}
