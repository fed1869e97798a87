/** VAPID keys of the tests. */
import { exportJWK, generateKeyPair, type JWK } from "jose";
import { importVapidKey, type VapidKey } from "../../src/wire/vapid.ts";

export async function freshVapidJwk(): Promise<JWK> {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  return await exportJWK(privateKey);
}

export async function freshVapidKey(): Promise<VapidKey> {
  return await importVapidKey(await freshVapidJwk());
}
