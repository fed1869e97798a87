/** The accounts at Apple and Google that an operator brings: what `CARILLON_APNS` and `CARILLON_FCM` hold. */
import { createPrivateKey, type KeyObject } from "node:crypto";
import { z } from "zod";

/** `teamId` and `keyId` of the developer account, `key` its PEM, `topic` the app's bundle id, `server` an origin. */
export type ApnsCredentials = { teamId: string; keyId: string; key: string; topic: string; server: string };

/** What we need of a service account; `tokenUri` is the whole address, `server` an origin. */
export type FcmCredentials = {
  projectId: string;
  clientEmail: string;
  keyId?: string;
  privateKey: string;
  tokenUri: string;
  server: string;
};

/** Bits. Google makes keys of 2,048; RFC 7518 3.3 takes none that are shorter. */
const MIN_RSA = 2048;

const https = z.string().refine((text) => URL.parse(text)?.protocol === "https:", "is no https address");
const server = https.transform((text, context) => {
  const { origin, href } = new URL(text);
  if (href === `${origin}/`) return origin;
  context.addIssue("is not an origin such as https://push.example.org");
  return z.NEVER;
});

/** Apple: ten letters and digits. */
const appleId = z.string().regex(/^[A-Z0-9]{10}$/, "is not ten letters and digits");

const apns = z.object({
  teamId: appleId,
  keyId: appleId,
  key: pem(isP256, "is no private key of P-256 in PEM, as Apple's .p8 files are"),
  topic: z.string().regex(/^[A-Za-z0-9.-]{1,155}$/, "is no bundle id"),
  server: server.default("https://api.push.apple.com"),
}, "is no JSON object with teamId, keyId, key and topic");

const fcm = z.object({
  // Old ones stand behind the name of a domain and a colon.
  project_id: z.string().regex(/^[a-z0-9][a-z0-9.:-]{3,99}$/, "is no id of a project"),
  client_email: z.string().regex(/^[^\s@]+@[^\s@]+$/, "is no address"),
  private_key_id: z.string().optional(),
  private_key: pem(isRsa, `is no private key of RSA in PEM, of ${MIN_RSA} bits or more`),
  token_uri: https,
  server: server.default("https://fcm.googleapis.com"),
}, "is no JSON object as Google makes it for a service account");

/** Reads the account at Apple. */
export const apnsCredentials = apns.transform((read): ApnsCredentials => read);

/** Reads Google's file, which has its own names. */
export const fcmCredentials = fcm.transform((read): FcmCredentials => ({
  projectId: read.project_id,
  clientEmail: read.client_email,
  ...(read.private_key_id !== undefined && { keyId: read.private_key_id }),
  privateKey: read.private_key,
  tokenUri: read.token_uri,
  server: read.server,
}));

/** A key of PKCS#8 (RFC 5958): the one form that Apple and Google hand out. */
function pem(isRight: (key: KeyObject) => boolean, fault: string) {
  return z.string().refine((text) => {
    try {
      return /^\s*-----BEGIN PRIVATE KEY-----/.test(text) && isRight(createPrivateKey(text));
    } catch {
      return false;
    }
  }, fault);
}

function isP256(key: KeyObject): boolean {
  return key.asymmetricKeyType === "ec" && key.asymmetricKeyDetails?.namedCurve === "prime256v1";
}

function isRsa(key: KeyObject): boolean {
  return key.asymmetricKeyType === "rsa" && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= MIN_RSA;
}
