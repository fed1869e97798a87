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

async function encrypt(text: string, key: CryptoKey): Promise<Sealed & { sealed: true }> {
  const iv = crypto.getRandomValues(new Uint8Array(IV));
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
 * a secret. `unseal` throws `StoreError`, as `open` does.
 */
export function createEnvelope(secret: string | undefined): Envelope {
  // It takes longer to derive than to use.
  const key = secret ? deriveKey(secret) : undefined;
  return {
    async seal(text) {
      if (!key) return text;
      const { iv, data } = await encrypt(text, await key);
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

async function deriveKey(secret: string): Promise<CryptoKey> {
  const material = await crypto.subtle.importKey("raw", encoder.encode(secret), "HKDF", false, ["deriveKey"]);
  const parameters = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: encoder.encode("carillon seal") };
  return await crypto.subtle.deriveKey(parameters, material, { name: "AES-GCM", length: 256 }, false, [
    "encrypt",
    "decrypt",
  ]);
}
