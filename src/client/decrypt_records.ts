/** The content coding `aes128gcm` (RFC 8188), decrypted: any number of records. */
import { concat, hkdf } from "./hkdf.ts";
import { ReceiverError } from "./receiver_error.ts";

/** Bytes of the header before the key id (RFC 8188 2.1): the salt, the record size, the length of the key id. */
const SALT = 16, HEADER = SALT + 4 + 1;

/** Bytes of the tag, and of the smallest record: the tag, the delimiter, one byte more (RFC 8188 2). */
const TAG = 16, SMALLEST = TAG + 2;

/** RFC 8188 2: what ends the plaintext of the last record, and of any before it. */
const LAST = 2, NOT_LAST = 1;

const encoder = new TextEncoder();
const CEK_INFO = encoder.encode("Content-Encoding: aes128gcm\0");
const NONCE_INFO = encoder.encode("Content-Encoding: nonce\0");

type Bytes = Uint8Array<ArrayBuffer>;

/** `size` is that of a record, in bytes; `records` is all that follows the header. */
type Parts = { salt: Bytes; size: number; keyId: Bytes; records: Bytes };

/** Decrypts a body whose keying material `findIkm` knows by the key id. Throws `undecryptable`, whatever the bytes. */
export async function decryptRecords(body: Bytes, findIkm: (keyId: Bytes) => Promise<Bytes> | Bytes): Promise<Bytes> {
  const { salt, size, keyId, records } = split(body);
  const ikm = await findIkm(keyId);
  const key = await crypto.subtle.importKey("raw", await hkdf(ikm, salt, CEK_INFO, 16), "AES-GCM", false, ["decrypt"]);
  const nonce = await hkdf(ikm, salt, NONCE_INFO, 12);
  const plaintexts: Bytes[] = [];
  for (let at = 0, number = 0; at < records.byteLength; at += size, number++) {
    const record = records.subarray(at, at + size), isLast = at + size >= records.byteLength;
    plaintexts.push(unpad(await open(key, nonceOf(nonce, number), record), isLast));
  }
  return concat(...plaintexts);
}

function split(body: Bytes): Parts {
  if (body.byteLength < HEADER) throw undecryptable("it is shorter than a header");
  const view = new DataView(body.buffer, body.byteOffset),
    size = view.getUint32(SALT),
    start = HEADER + body[HEADER - 1]!;
  if (size < SMALLEST) throw undecryptable("its records are smaller than one can be");
  if (body.byteLength <= start) throw undecryptable("it has no record");
  return { salt: body.slice(0, SALT), size, keyId: body.slice(HEADER, start), records: body.slice(start) };
}

/** RFC 8188 2.3: the number of the record, 96 bits, is combined with the nonce. */
function nonceOf(base: Bytes, number: number): Bytes {
  const nonce = base.slice(), view = new DataView(nonce.buffer);
  // A body of 2^32 records does not fit into memory.
  view.setUint32(8, view.getUint32(8) ^ number);
  return nonce;
}

async function open(key: CryptoKey, iv: Bytes, record: Bytes): Promise<Bytes> {
  try {
    return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv, tagLength: TAG * 8 }, key, record));
  } catch {
    throw undecryptable("a record does not verify");
  }
}

/** Zeros, and before them the delimiter: a body that was cut off between two records ends with the wrong one. */
function unpad(padded: Bytes, isLast: boolean): Bytes {
  const end = padded.findLastIndex((octet) => octet !== 0);
  if (padded[end] !== (isLast ? LAST : NOT_LAST)) throw undecryptable("a record has the wrong delimiter");
  return padded.slice(0, end);
}

export function undecryptable(reason: string): ReceiverError {
  return new ReceiverError("undecryptable", `the message was not decrypted: ${reason}`);
}
