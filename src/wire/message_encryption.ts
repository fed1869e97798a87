/** Message encryption for Web Push (RFC 8291). */
import { Buffer } from "node:buffer";
import { hkdfSync } from "node:crypto";
import webPush from "web-push";
import type { PushKeys } from "../model/subscription.ts";
import { encryptRecord, paddedSize } from "./aes128gcm.ts";
import { minimalPkcs8, splitPkcs8 } from "./pkcs8.ts";

const P256 = { name: "ECDH", namedCurve: "P-256" };

/** RFC 8291 3.4. */
const KEY_INFO = Buffer.from("WebPush: info\0");

/** The key pair of one message: a private key for `deriveBits`, and the public point, 65 bytes. */
export type Ephemeral = { privateKey: CryptoKey; point: Uint8Array };

type Inputs = { ephemeral: Ephemeral; salt: Uint8Array<ArrayBuffer>; size?: number };

/**
 * Encrypts a plaintext of at most `MAX_PLAINTEXT` bytes, padded to `size`, for a user agent whose keys `readPushKeys` has
 * checked. A pair and a salt (16 bytes) serve once: the caller brings fresh ones.
 */
export async function encrypt(
  plaintext: Uint8Array,
  keys: PushKeys,
  { ephemeral, salt, size }: Inputs,
): Promise<Uint8Array<ArrayBuffer>> {
  const point = decode(keys.p256dh);
  const userAgent = await crypto.subtle.importKey("raw", point, P256, false, []);
  const secret = await crypto.subtle.deriveBits({ name: "ECDH", public: userAgent }, ephemeral.privateKey, 256);
  const info = Buffer.concat([KEY_INFO, point, ephemeral.point]);
  const ikm = new Uint8Array(hkdfSync("sha256", new Uint8Array(secret), decode(keys.auth), info, 32));
  return encryptRecord(plaintext, { ikm, salt, keyId: ephemeral.point }, size);
}

/**
 * The same by the `web-push` package, four times as slow, for a runtime without `makeEphemeral`. It cannot pad: white
 * space that ends a JSON text pads that.
 */
export function encryptByLibrary(json: Uint8Array, keys: PushKeys): Uint8Array<ArrayBuffer> {
  const padded = Buffer.alloc(paddedSize(json.byteLength), " ");
  padded.set(json);
  return new Uint8Array(webPush.encrypt(keys.p256dh, keys.auth, padded, "aes128gcm").cipherText);
}

/**
 * Makes a pair by the quickest way that WebCrypto has: the public point is cut out of the exported private key, and the
 * private key is imported again without it, since otherwise each `deriveBits` would compute the point anew. Undefined
 * where the runtime writes keys in another form.
 */
export async function makeEphemeral(subtle: SubtleCrypto = crypto.subtle): Promise<Ephemeral | undefined> {
  const { privateKey } = await subtle.generateKey(P256, true, ["deriveBits"]) as CryptoKeyPair;
  const parts = splitPkcs8(new Uint8Array(await subtle.exportKey("pkcs8", privateKey)));
  return parts && await importEphemeral(parts.scalar, parts.point, subtle).catch(() => undefined);
}

/** The pair of a private scalar of 32 bytes and its point. */
export async function importEphemeral(
  scalar: Uint8Array,
  point: Uint8Array,
  subtle: SubtleCrypto = crypto.subtle,
): Promise<Ephemeral> {
  const privateKey = await subtle.importKey("pkcs8", minimalPkcs8(scalar), P256, false, ["deriveBits"]);
  return { privateKey, point };
}

function decode(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromBase64(text, { alphabet: "base64url" });
}
