/** Secrets in KV are encrypted where `CARILLON_SECRET` is set: AES-256-GCM with a key derived by HKDF. */

import { members, oneOf, type Shape, text } from "./shape.ts";
import { StoreError } from "./store_error.ts";

/** Plain text, or an initialization vector of 12 bytes with the ciphertext. */
export type Sealed = { sealed: false; text: string } | {
  sealed: true;
  iv: Uint8Array<ArrayBuffer>;
  data: Uint8Array<ArrayBuffer>;
};

const encoder = new TextEncoder();

/** Bytes of an initialization vector. */
const IV = 12;

export async function seal(text: string, secret: string | undefined): Promise<Sealed> {
  return secret ? await encrypt(text, await deriveKey(secret)) : { sealed: false, text };
}

async function encrypt(
  text: string,
  key: CryptoKey,
  iv = crypto.getRandomValues(new Uint8Array(IV)),
): Promise<Sealed & { sealed: true }> {
  const data = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, encoder.encode(text));
  return { sealed: true, iv, data: new Uint8Array(data) };
}

const bytes: Shape<Uint8Array<ArrayBuffer>> = (value): value is Uint8Array<ArrayBuffer> => value instanceof Uint8Array;
const plain = members<Sealed & { sealed: false }>({ sealed: oneOf(false as const), text });
const closed = members<Sealed & { sealed: true }>({ sealed: oneOf(true as const), iv: bytes, data: bytes });

export const isSealed: Shape<Sealed> = (value): value is Sealed => plain(value) || closed(value);

/** Throws `StoreError` when the secret is missing or another one. */
export async function open(stored: Sealed, secret: string | undefined): Promise<string> {
  if (!stored.sealed) return stored.text;
  if (!secret) throw missingSecret();
  return await decrypt(stored, await deriveKey(secret));
}

async function decrypt({ iv, data }: Sealed & { sealed: true }, key: CryptoKey): Promise<string> {
  const opening = crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, data);
  return new TextDecoder().decode(
    await opening.catch(() => {
      throw new StoreError(
        "The database was sealed with another CARILLON_SECRET, or what was sealed has changed.",
        "Set CARILLON_SECRET to the value that it was made with, or restore the database from a backup.",
      );
    }),
  );
}

function missingSecret(): StoreError {
  return new StoreError("The database is sealed.", "Set CARILLON_SECRET to the value that it was made with.");
}

/** Marks text that was sealed; no secret of ours begins so. */
const SEALED = "sealed:";

export type Envelope = { seal: (text: string) => Promise<string>; unseal: (sealed: string) => Promise<string> };

/**
 * Seals short texts that stand inside of records: `sealed:` and base64url of vector and ciphertext, or the text itself without
 * a secret. Equal texts are sealed alike, so that a record shows whether one has changed: the vector is a code of the text.
 * `unseal` throws `StoreError`, as `open` does.
 */
export function createEnvelope(secret: string | undefined): Envelope {
  // It takes longer to derive than to use.
  const key = secret ? deriveKey(secret) : undefined, codeKey = secret ? deriveCodeKey(secret) : undefined;
  return {
    async seal(text) {
      if (!key || !codeKey) return text;
      const code = await crypto.subtle.sign("HMAC", await codeKey, encoder.encode(text));
      const { iv, data } = await encrypt(text, await key, new Uint8Array(code, 0, IV));
      return SEALED + new Uint8Array([...iv, ...data]).toBase64({ alphabet: "base64url", omitPadding: true });
    },
    async unseal(text) {
      if (!text.startsWith(SEALED)) return text;
      if (!key) throw missingSecret();
      const bytes = Uint8Array.fromBase64(text.slice(SEALED.length), { alphabet: "base64url" });
      return await decrypt({ sealed: true, iv: bytes.slice(0, IV), data: bytes.slice(IV) }, await key);
    },
  };
}

const deriveKey = (secret: string) =>
  derive(secret, "carillon seal", { name: "AES-GCM", length: 256 }, ["encrypt", "decrypt"]);

const deriveCodeKey = (secret: string) =>
  derive(secret, "carillon seal, vector", { name: "HMAC", hash: "SHA-256", length: 256 }, ["sign"]);

async function derive(
  secret: string,
  info: string,
  algorithm: AesKeyGenParams | HmacKeyGenParams,
  uses: KeyUsage[],
): Promise<CryptoKey> {
  const material = await crypto.subtle.importKey("raw", encoder.encode(secret), "HKDF", false, ["deriveKey"]);
  const parameters = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: encoder.encode(info) };
  return await crypto.subtle.deriveKey(parameters, material, algorithm, false, uses);
}
