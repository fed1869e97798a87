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

export async function seal(text: string, secret: string | undefined): Promise<Sealed> {
  if (!secret) return { sealed: false, text };
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const data = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, await deriveKey(secret), encoder.encode(text));
  return { sealed: true, iv, data: new Uint8Array(data) };
}

const bytes: Shape<Uint8Array<ArrayBuffer>> = (value): value is Uint8Array<ArrayBuffer> => value instanceof Uint8Array;
const plain = members<Sealed & { sealed: false }>({ sealed: oneOf(false as const), text });
const closed = members<Sealed & { sealed: true }>({ sealed: oneOf(true as const), iv: bytes, data: bytes });

export const isSealed: Shape<Sealed> = (value): value is Sealed => plain(value) || closed(value);

/** Throws `StoreError` when the secret is missing or another one. */
export async function open(stored: Sealed, secret: string | undefined): Promise<string> {
  if (!stored.sealed) return stored.text;
  if (!secret) {
    throw new StoreError("The database is sealed.", "Set CARILLON_SECRET to the value that it was made with.");
  }
  const key = await deriveKey(secret);
  const opening = crypto.subtle.decrypt({ name: "AES-GCM", iv: stored.iv }, key, stored.data);
  return new TextDecoder().decode(
    await opening.catch(() => {
      throw new StoreError(
        "The database was sealed with another CARILLON_SECRET, or what was sealed has changed.",
        "Set CARILLON_SECRET to the value that it was made with, or restore the database from a backup.",
      );
    }),
  );
}

async function deriveKey(secret: string): Promise<CryptoKey> {
  const material = await crypto.subtle.importKey("raw", encoder.encode(secret), "HKDF", false, ["deriveKey"]);
  const parameters = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: encoder.encode("carillon seal") };
  return await crypto.subtle.deriveKey(parameters, material, { name: "AES-GCM", length: 256 }, false, [
    "encrypt",
    "decrypt",
  ]);
}
