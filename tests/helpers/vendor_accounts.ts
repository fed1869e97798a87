/** Accounts at Apple and at Google of the tests, with keys that are made at each run. */
import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import type { ApnsCredentials, FcmCredentials } from "../../src/config/vendors.ts";

const toPem = (key: KeyObject) => key.export({ type: "pkcs8", format: "pem" }) as string;
const ecKey = (namedCurve: string) => generateKeyPairSync("ec", { namedCurve }).privateKey;

export const p256Pem = () => toPem(ecKey("P-256"));
export const p384Pem = () => toPem(ecKey("P-384"));
/** OpenSSL's old form (RFC 5915). */
export const sec1Pem = () => ecKey("P-256").export({ type: "sec1", format: "pem" }) as string;
export const rsaPem = (bits = 2048) => toPem(generateKeyPairSync("rsa", { modulusLength: bits }).privateKey);

/** Apple's half of a key: what checks. */
export const publicHalf = (pem: string): KeyObject => createPublicKey(pem);

export function apnsAccount(server: string, key: string): ApnsCredentials {
  return { teamId: "TEAM567890", keyId: "KEY4567890", key, topic: "org.example.calendar", server };
}

export function fcmAccount(server: string, privateKey: string): FcmCredentials {
  const clientEmail = "push@calendar-1234.iam.gserviceaccount.example";
  return {
    projectId: "calendar-1234",
    clientEmail,
    keyId: "0123abcd",
    privateKey,
    tokenUri: `${server}/token`,
    server,
  };
}

/** The address of a device at Apple, and of one at Google, that was never seen before. */
export const freshDevice = (bytes = 32) => crypto.getRandomValues(new Uint8Array(bytes)).toHex();
export function freshRegistration(): string {
  const random = crypto.getRandomValues(new Uint8Array(105)).toBase64({ alphabet: "base64url" });
  return `${random.slice(0, 22)}:APA91b${random.slice(22)}`;
}
