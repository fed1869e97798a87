/**
 * Capability URLs of the push service (RFC 8030 8.3): who knows one may use it, and one tells nothing of another. Each ends
 * with a code that only we can make, so that what is made up costs no look into the database.
 */
import { Buffer } from "node:buffer";
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Placed } from "../model/push_message.ts";
import { shortHash } from "../model/short_hash.ts";

export type Kind = "push" | "subscription" | "set" | "receipt";

const SECRET = 16, CODE = 12;

/** Base64url of both. */
const TOKEN = /^[\w-]{38}$/;
const MESSAGE = /^([\w-]{22})\.([0-9a-f]{20})\.([\w-]{16})$/;

export type Capabilities = ReturnType<typeof createCapabilities>;

/** `hashKey` is the database's own secret. */
export function createCapabilities(hashKey: string) {
  const codeOf = (kind: string, secret: Uint8Array) =>
    createHmac("sha256", hashKey).update(`${kind} `).update(secret).digest().subarray(0, CODE);

  /** Makes one: `token` is for the URL, `id` is what stands in keys. */
  function make(kind: Kind): { token: string; id: string } {
    const secret = randomBytes(SECRET);
    return { token: Buffer.concat([secret, codeOf(kind, secret)]).toString("base64url"), id: idOf(kind, secret) };
  }

  /** The id of one of ours; undefined for what we never made. */
  function open(kind: Kind, token: string): string | undefined {
    const bytes = Buffer.from(token, "base64url"), secret = bytes.subarray(0, SECRET);
    // The last character has bits to spare: one address has one spelling.
    if (!TOKEN.test(token) || bytes.toString("base64url") !== token) return undefined;
    return timingSafeEqual(bytes.subarray(SECRET), codeOf(kind, secret)) ? idOf(kind, secret) : undefined;
  }

  function ofMessage({ mailbox, versionstamp }: Placed): string {
    const place = `${mailbox}.${versionstamp}`;
    return `${place}.${codeOf("message", Buffer.from(place)).toString("base64url")}`;
  }

  /** Where the message of a token stands; undefined for what we never made. */
  function openMessage(token: string): Placed | undefined {
    const [, mailbox, versionstamp] = MESSAGE.exec(token) ?? [];
    if (mailbox === undefined || versionstamp === undefined) return undefined;
    const [given, ours] = [token, ofMessage({ mailbox, versionstamp })].map((text) => Buffer.from(text));
    return timingSafeEqual(given!, ours!) ? { mailbox, versionstamp } : undefined;
  }

  return { make, open, ofMessage, openMessage };
}

const idOf = (kind: Kind, secret: Uint8Array) => shortHash(kind, secret.toBase64());
