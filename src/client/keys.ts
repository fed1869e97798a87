/** The keys of a user agent (RFC 8291 2): a P-256 pair and the authentication secret. */
import { fromBase64Url, toBase64Url } from "./base64url.ts";
import { ReceiverError } from "./receiver_error.ts";

const P256 = { name: "ECDH", namedCurve: "P-256" };

/** Bytes. */
const SECRET = 16, COORDINATE = 32;

/** SEC 1, 2.3.3: an uncompressed point. */
const UNCOMPRESSED = 4;

/** The types of WebCrypto as `crypto` has them: those of Node have no global names. */
type CryptoKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;
type Jwk = { kty?: string; crv?: string; x?: string; y?: string; d?: string };

/** As they can be kept: a private JWK of P-256, and 16 bytes in base64url. Whoever has them reads the messages. */
export type KeptKeys = { privateKey: Jwk; auth: string };

/** `point` is the public key, 65 bytes. */
export type ReceiverKeys = { privateKey: CryptoKey; point: Uint8Array<ArrayBuffer>; auth: Uint8Array<ArrayBuffer> };

/** New ones, to be kept. */
export async function makeKeys(): Promise<KeptKeys> {
  const { privateKey } = await crypto.subtle.generateKey(P256, true, ["deriveBits"]) as CryptoKeyPair;
  const { kty, crv, x, y, d } = await crypto.subtle.exportKey("jwk", privateKey);
  return { privateKey: { kty, crv, x, y, d }, auth: toBase64Url(crypto.getRandomValues(new Uint8Array(SECRET))) };
}

/** Makes those that were kept ready to use. Throws `bad_keys`. */
export async function importKeys({ privateKey, auth }: KeptKeys): Promise<ReceiverKeys> {
  const { kty, crv, x, y, d } = privateKey ?? {}, secret = read(auth, SECRET);
  const [left, right] = [read(x, COORDINATE), read(y, COORDINATE)];
  if (!secret || !left || !right || crv !== P256.namedCurve) throw refuse();
  const key = await crypto.subtle.importKey("jwk", { kty, crv, x, y, d }, P256, false, ["deriveBits"]).catch(() => {
    throw refuse();
  });
  const point = new Uint8Array([UNCOMPRESSED, ...left, ...right]);
  // A JWK without d is a public key, and x, y of another d are taken, by some runtimes.
  if (key.type !== "private" || !await isPair(key, point)) throw refuse();
  return { privateKey: key, point, auth: secret };
}

/** Whether both agree with a third alike: then they are two halves of one pair. */
async function isPair(privateKey: CryptoKey, point: Uint8Array<ArrayBuffer>): Promise<boolean> {
  const other = await crypto.subtle.generateKey(P256, false, ["deriveBits"]) as CryptoKeyPair;
  try {
    const ours = await crypto.subtle.importKey("raw", point, P256, false, []);
    const secrets = [await agree(privateKey, other.publicKey), await agree(other.privateKey, ours)];
    return secrets[0] === secrets[1];
  } catch {
    return false;
  }
}

async function agree(privateKey: CryptoKey, point: CryptoKey): Promise<string> {
  return toBase64Url(new Uint8Array(await crypto.subtle.deriveBits({ name: "ECDH", public: point }, privateKey, 256)));
}

/** What a `PushSubscription` tells of them: base64url. */
export function publicKeys({ point, auth }: ReceiverKeys): { p256dh: string; auth: string } {
  return { p256dh: toBase64Url(point), auth: toBase64Url(auth) };
}

function read(text: unknown, length: number): Uint8Array<ArrayBuffer> | undefined {
  const bytes = typeof text === "string" ? fromBase64Url(text) : undefined;
  return bytes?.byteLength === length ? bytes : undefined;
}

function refuse(): ReceiverError {
  return new ReceiverError(
    "bad_keys",
    "the keys were refused: they are no private JWK of P-256 and a secret of 16 bytes",
  );
}
