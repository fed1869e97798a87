/** Message encryption for Web Push (RFC 8291), at the user agent. */
import { decryptRecords, undecryptable } from "./decrypt_records.ts";
import { concat, hkdf } from "./hkdf.ts";
import type { ReceiverKeys } from "./keys.ts";

const P256 = { name: "ECDH", namedCurve: "P-256" };

/** Bytes of an uncompressed point. */
const POINT = 65;

/** RFC 8291 3.4. */
const KEY_INFO = new TextEncoder().encode("WebPush: info\0");

/** The plaintext of a body that was encrypted for these keys. Throws `undecryptable`, and nothing else. */
export function decrypt(body: Uint8Array<ArrayBuffer>, keys: ReceiverKeys): Promise<Uint8Array<ArrayBuffer>> {
  return decryptRecords(body, (sender) => findIkm(sender, keys));
}

/** RFC 8291 3.4; `sender` is the key id, the application server's point of this message. */
async function findIkm(sender: Uint8Array<ArrayBuffer>, { privateKey, point, auth }: ReceiverKeys) {
  if (sender.byteLength !== POINT) throw undecryptable("its key id is no point");
  const secret = await agree(sender, privateKey);
  return await hkdf(secret, auth, concat(KEY_INFO, point, sender), 32);
}

async function agree(sender: Uint8Array<ArrayBuffer>, privateKey: CryptoKey): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const key = await crypto.subtle.importKey("raw", sender, P256, false, []);
    return new Uint8Array(await crypto.subtle.deriveBits({ name: "ECDH", public: key }, privateKey, 256));
  } catch {
    throw undecryptable("its key id is no point on the curve P-256");
  }
}
