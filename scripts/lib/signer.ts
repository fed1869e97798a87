/** Who signs: the local issuer of the worker's database, or an issuer whose private key is in a file. */
import { importJWK, type JWK } from "jose";
import { type LocalIssuer, readLocalIssuer } from "../../src/store/keys.ts";
import { Refusal, UsageError } from "./command.ts";
import { withDatabase } from "./database.ts";

export type Signer = { iss: string; alg: string; kid?: string; key: CryptoKey | Uint8Array };

/** The algorithm of a key that does not name one. */
const ALGORITHMS: Record<string, string> = { OKP: "EdDSA", EC: "ES256", RSA: "RS256", oct: "HS256" };

/** Reads `--key FILE --issuer NAME`, or the local issuer. Throws `UsageError` or `Refusal`. */
export async function findSigner(
  { key, issuer }: { key?: string; issuer?: string },
  elsewhere = "give --url, --key and --issuer",
): Promise<Signer> {
  if (key === undefined && issuer === undefined) return await readLocalSigner(elsewhere);
  if (key === undefined) throw new UsageError("--issuer needs --key FILE, the issuer's private JWK");
  if (issuer === undefined) throw new UsageError("--key needs --issuer NAME, the iss of its entry in CARILLON_ISSUERS");
  return await readSigner(key, issuer);
}

async function readLocalSigner(elsewhere: string): Promise<Signer> {
  const local = await withDatabase(elsewhere, (kv, { secret }) => readLocalIssuer(kv, secret).catch(refuse));
  return signerOf(local);
}

/** The local issuer as a signer. */
export function signerOf({ iss, jwks, privateKey }: LocalIssuer): Signer {
  return { iss, alg: "EdDSA", kid: jwks.keys[0]!.kid, key: privateKey };
}

function refuse(thrown: Error): never {
  // A sealed database says what to set (src/store/seal.ts).
  throw thrown.constructor === Error ? new Refusal(thrown.message) : thrown;
}

async function readSigner(path: string, iss: string): Promise<Signer> {
  const jwk = await readJwk(path);
  const alg = jwk.alg ?? ALGORITHMS[jwk.kty!]!;
  try {
    return { iss, alg, kid: jwk.kid, key: await importJWK(jwk, alg) };
  } catch {
    throw new Refusal(`the key was not read: ${path}: expected a private JWK, as deno task issuer makes it`);
  }
}

/** Nothing of the file is ever shown. */
async function readJwk(path: string): Promise<JWK> {
  const text = await Deno.readTextFile(path).catch(() => {
    throw new Refusal(`the key was not read: ${path}: there is no such file, or it is not readable`);
  });
  const jwk = parse(text);
  if (jwk && jwk.kty! in ALGORITHMS && (jwk.d ?? jwk.k)) return jwk;
  throw new Refusal(`the file holds no private JWK: ${path}: deno task issuer makes one`);
}

function parse(text: string): JWK | undefined {
  try {
    return JSON.parse(text) as JWK;
  } catch {
    return undefined;
  }
}
