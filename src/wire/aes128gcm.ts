/** The content coding `aes128gcm` (RFC 8188) as Web Push uses it: one record, padded. */
import { Buffer } from "node:buffer";
import { createCipheriv, hkdfSync } from "node:crypto";

/** Bytes of a whole body: no push service may refuse so many (RFC 8030 7.2), and one record holds it (RFC 8291 4). */
const RECORD_SIZE = 4096;

/** What encryption adds to a record: the delimiter and the tag (RFC 8188 2). */
const OVERHEAD = 1 + 16;

/** Bytes of the header before the key id (RFC 8188 2.1), and of a key id that is a point of P-256. */
const HEADER = 16 + 4 + 1;
const POINT = 65;

/** Bytes of plaintext that fit, RFC 8291 4. */
export const MAX_PLAINTEXT = RECORD_SIZE - HEADER - POINT - OVERHEAD;

/** Who watches the wire sees one of these sizes, not how long the name of a collection is. */
const BUCKETS = [128, 256, 512, 1024, 2048, MAX_PLAINTEXT];

/** RFC 8188 2: this octet ends the plaintext of the last record; zeros follow. */
const LAST_RECORD = 2;

/** RFC 8188 2.2 and 2.3: a zero octet ends each. */
const CEK_INFO = Buffer.from("Content-Encoding: aes128gcm\0");
const NONCE_INFO = Buffer.from("Content-Encoding: nonce\0");

/** The input keying material, the salt (16 bytes) and the key id that the header names. */
type Keying = { ikm: Uint8Array; salt: Uint8Array; keyId: Uint8Array };

/** The size that a plaintext of `length` bytes is padded to. Throws a `RangeError` where none fits. */
export function paddedSize(length: number): number {
  const bucket = BUCKETS.find((size) => size >= length);
  if (bucket === undefined) throw new RangeError(`the plaintext is too long: ${length} bytes`);
  return bucket;
}

/** Encrypts a plaintext, padded to `size` bytes, and answers the whole body: header and record. */
export function encryptRecord(
  plaintext: Uint8Array,
  { ikm, salt, keyId }: Keying,
  size = plaintext.byteLength,
): Uint8Array<ArrayBuffer> {
  const start = HEADER + keyId.byteLength;
  const body = new Uint8Array(start + size + OVERHEAD);
  writeHeader(body, salt, keyId);
  const padded = new Uint8Array(size + 1);
  padded.set(plaintext);
  padded[plaintext.byteLength] = LAST_RECORD;
  const key = new Uint8Array(hkdfSync("sha256", ikm, salt, CEK_INFO, 16));
  // RFC 8188 2.3: the nonce is combined with the number of the record, which is 0.
  const nonce = new Uint8Array(hkdfSync("sha256", ikm, salt, NONCE_INFO, 12));
  const cipher = createCipheriv("aes-128-gcm", key, nonce);
  body.set(cipher.update(padded), start);
  cipher.final();
  body.set(cipher.getAuthTag(), start + size + 1);
  return body;
}

function writeHeader(body: Uint8Array<ArrayBuffer>, salt: Uint8Array, keyId: Uint8Array): void {
  body.set(salt);
  new DataView(body.buffer).setUint32(16, RECORD_SIZE);
  body[20] = keyId.byteLength;
  body.set(keyId, HEADER);
}
