/** What must exist once in a database: its epoch, the local issuer's key, the VAPID key, the hash of the admin token. */
import { Buffer } from "node:buffer";
import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK } from "jose";
import webPush from "web-push";
import { withDeadline } from "./deadline.ts";
import { isSealed, open, seal } from "./seal.ts";
import { matching, members, oneOf, optional, type Shape, text } from "./shape.ts";
import { unreadable } from "./store_error.ts";
import { shortHash } from "../model/short_hash.ts";

const EPOCH = ["epoch"];
const LOCAL_ISSUER = ["local_issuer"];
const VAPID_KEY = ["vapid_key"];
const HASH_KEY = ["hash_key"];
const ADMIN_TOKEN = ["admin_token"];

/** What `CARILLON_SECRET` seals of these; it seals the secrets of webhooks as well. */
export const SEALED_KEYS: Deno.KvKey[] = [LOCAL_ISSUER, VAPID_KEY];

/** The issuer that is made at first start, so that a worker can be tried with nothing configured. */
export const LOCAL_ISS = "local";

/** The private key signs the commands' tokens, the public one verifies them. */
export type LocalIssuer = { iss: string; privateKey: CryptoKey; jwks: { keys: JWK[] } };

type PrivateKey = { kty: JWK["kty"]; crv: string; x: string; d: string; kid?: string };

/** What each must look like; as the doors and the event ids rely on it. */
const epochShape = matching(/^[\w-]{8}$/);
const hashShape = matching(/^[\w-]{22}$/);
const hashKeyShape = matching(/^[\w-]{32}$/);
const issuerShape: Shape<JWK> = members<PrivateKey>({
  kty: oneOf("OKP"),
  crv: oneOf("Ed25519"),
  x: text,
  d: text,
  kid: text,
});
const vapidShape: Shape<JWK> = members<PrivateKey & { y: string }>({
  kty: oneOf("EC"),
  crv: oneOf("P-256"),
  x: text,
  y: text,
  d: text,
  kid: optional(text),
});

/** A random value made with the database: ids of another database are told apart by it. Throws `StoreError`. */
export function readEpoch(kv: Deno.Kv): Promise<string> {
  return once(kv, EPOCH, epochShape, () => crypto.randomUUID().replaceAll("-", "").slice(0, 8));
}

/** A random text that is in every keyed hash of this database, so that nobody else can make one. Throws `StoreError`. */
export function readHashKey(kv: Deno.Kv): Promise<string> {
  return once(
    kv,
    HASH_KEY,
    hashKeyShape,
    () => crypto.getRandomValues(new Uint8Array(24)).toBase64({ alphabet: "base64url" }),
  );
}

/** The local issuer's key pair, Ed25519, made at first use; sealed where `CARILLON_SECRET` is set. Throws `StoreError`. */
export async function readLocalIssuer(kv: Deno.Kv, secret: string | undefined): Promise<LocalIssuer> {
  const jwk = await readKey(kv, LOCAL_ISSUER, { make: makeIssuerKey, shape: issuerShape, alg: "EdDSA" }, secret);
  const { d: _, ...publicJwk } = jwk;
  return { iss: LOCAL_ISS, privateKey: await importJWK(jwk, "EdDSA") as CryptoKey, jwks: { keys: [publicJwk] } };
}

async function makeIssuerKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair("EdDSA", { extractable: true });
  return { ...await exportJWK(privateKey), kid: crypto.randomUUID().slice(0, 8), alg: "EdDSA", use: "sig" };
}

/** The private key that push services know this database by (RFC 8292), P-256; made and sealed alike. Throws `StoreError`. */
export function readVapidKey(kv: Deno.Kv, secret: string | undefined): Promise<JWK> {
  return readKey(kv, VAPID_KEY, { make: makeVapidKey, shape: vapidShape, alg: "ES256" }, secret);
}

function makeVapidKey(): JWK {
  const { publicKey, privateKey } = webPush.generateVAPIDKeys();
  // An uncompressed point: 4, x, y.
  const point = Buffer.from(publicKey, "base64url");
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((bytes) => bytes.toString("base64url"));
  return { kty: "EC", crv: "P-256", x, y, d: privateKey };
}

type Kind = { make: () => JWK | Promise<JWK>; shape: Shape<JWK>; alg: string };

/** A private key, made once; one that was kept before there was a secret is sealed now. */
async function readKey(kv: Deno.Kv, key: Deno.KvKey, kind: Kind, secret: string | undefined): Promise<JWK> {
  const stored = await once(kv, key, isSealed, async () => await seal(JSON.stringify(await kind.make()), secret));
  const printed = await open(stored, secret);
  const jwk = await parseKey(printed, kind);
  if (!jwk) throw unreadable(key);
  if (secret && !stored.sealed) await withDeadline("sealing a key", kv.set(key, await seal(printed, secret)));
  return jwk;
}

/** Undefined for what is no key of this kind. */
async function parseKey(printed: string, { shape, alg }: Kind): Promise<JWK | undefined> {
  try {
    const jwk: unknown = JSON.parse(printed);
    return shape(jwk) && await importJWK(jwk, alg) ? jwk : undefined;
  } catch {
    return undefined;
  }
}

/** Only a hash of the admin token is kept; undefined while none was made. Throws `StoreError`. */
export async function readAdminHash(kv: Deno.Kv): Promise<string | undefined> {
  const { value, versionstamp } = await withDeadline("reading the admin token", kv.get<unknown>(ADMIN_TOKEN));
  if (versionstamp === null) return undefined;
  if (!hashShape(value)) throw unreadable(ADMIN_TOKEN);
  return value;
}

/** Makes a new admin token, which from now on is the only one. */
export async function makeAdminToken(kv: Deno.Kv): Promise<string> {
  const token = crypto.getRandomValues(new Uint8Array(24)).toBase64({ alphabet: "base64url" });
  await withDeadline("keeping the admin token", kv.set(ADMIN_TOKEN, hashAdminToken(token)));
  return token;
}

export function hashAdminToken(token: string): string {
  return shortHash("admin", token);
}

/**
 * Made with a check for null and read again: of many isolates that start together, one value wins. Throws `StoreError` for
 * what stands there and is none.
 */
async function once<T>(kv: Deno.Kv, key: Deno.KvKey, isShape: Shape<T>, make: () => T | Promise<T>): Promise<T> {
  const found = await withDeadline("reading a key", kv.get<unknown>(key));
  if (found.versionstamp === null) {
    await withDeadline("making a key", kv.atomic().check(found).set(key, await make()).commit());
    return await once(kv, key, isShape, make);
  }
  if (!isShape(found.value)) throw unreadable(key);
  return found.value;
}
