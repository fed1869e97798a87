/** What must exist once in a database: its epoch, the local issuer's key, the VAPID key, the hash of the admin token. */
import { Buffer } from "node:buffer";
import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK } from "jose";
import webPush from "web-push";
import { withDeadline } from "./deadline.ts";
import { open, seal, type Sealed } from "./seal.ts";
import { shortHash } from "../model/short_hash.ts";

const EPOCH = ["epoch"];
const LOCAL_ISSUER = ["local_issuer"];
const VAPID_KEY = ["vapid_key"];
const HASH_KEY = ["hash_key"];
const ADMIN_TOKEN = ["admin_token"];

/** The issuer that is made at first start, so that a worker can be tried with nothing configured. */
export const LOCAL_ISS = "local";

/** The private key signs the commands' tokens, the public one verifies them. */
export type LocalIssuer = { iss: string; privateKey: CryptoKey; jwks: { keys: JWK[] } };

/** A random value made with the database: ids of another database are told apart by it. */
export function readEpoch(kv: Deno.Kv): Promise<string> {
  return once(kv, EPOCH, () => crypto.randomUUID().replaceAll("-", "").slice(0, 8));
}

/** A random text that is in every keyed hash of this database, so that nobody else can make one. */
export function readHashKey(kv: Deno.Kv): Promise<string> {
  return once(kv, HASH_KEY, () => crypto.getRandomValues(new Uint8Array(24)).toBase64({ alphabet: "base64url" }));
}

/** The local issuer's key pair, Ed25519, made at first use; sealed where `CARILLON_SECRET` is set. */
export async function readLocalIssuer(kv: Deno.Kv, secret: string | undefined): Promise<LocalIssuer> {
  const jwk = await readKey(kv, LOCAL_ISSUER, makeIssuerKey, secret);
  const { d: _, ...publicJwk } = jwk;
  return { iss: LOCAL_ISS, privateKey: await importJWK(jwk, "EdDSA") as CryptoKey, jwks: { keys: [publicJwk] } };
}

async function makeIssuerKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair("EdDSA", { extractable: true });
  return { ...await exportJWK(privateKey), kid: crypto.randomUUID().slice(0, 8), alg: "EdDSA", use: "sig" };
}

/** The private key that push services know this database by (RFC 8292), P-256; made and sealed alike. */
export function readVapidKey(kv: Deno.Kv, secret: string | undefined): Promise<JWK> {
  return readKey(kv, VAPID_KEY, makeVapidKey, secret);
}

function makeVapidKey(): JWK {
  const { publicKey, privateKey } = webPush.generateVAPIDKeys();
  // An uncompressed point: 4, x, y.
  const point = Buffer.from(publicKey, "base64url");
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((bytes) => bytes.toString("base64url"));
  return { kty: "EC", crv: "P-256", x, y, d: privateKey };
}

/** A private key, made once; one that was kept before there was a secret is sealed now. */
async function readKey(
  kv: Deno.Kv,
  key: Deno.KvKey,
  make: () => JWK | Promise<JWK>,
  secret: string | undefined,
): Promise<JWK> {
  const stored = await once<Sealed>(kv, key, async () => await seal(JSON.stringify(await make()), secret));
  const text = await open(stored, secret);
  if (secret && !stored.sealed) await withDeadline("sealing a key", kv.set(key, await seal(text, secret)));
  return JSON.parse(text);
}

/** Only a hash of the admin token is kept; undefined while none was made. */
export async function readAdminHash(kv: Deno.Kv): Promise<string | undefined> {
  return (await withDeadline("reading the admin token", kv.get<string>(ADMIN_TOKEN))).value ?? undefined;
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

/** Made with a check for null and read again: of many isolates that start together, one value wins. */
async function once<T>(kv: Deno.Kv, key: Deno.KvKey, make: () => T | Promise<T>): Promise<T> {
  const found = await withDeadline("reading a key", kv.get<T>(key));
  if (found.versionstamp !== null) return found.value;
  await withDeadline("making a key", kv.atomic().check(found).set(key, await make()).commit());
  return (await withDeadline("reading a key again", kv.get<T>(key))).value as T;
}
