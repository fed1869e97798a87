/**
 * Sessions of the console: what a browser keeps instead of the admin token. Nothing of them is stored while they are good:
 * every worker of a database can read them, and a new admin token ends them all.
 */
import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";

/** Milliseconds: a day at work. */
const LIFE = 10 * 3_600_000;

/** Its end, milliseconds since 1970, and a code that only we can make. There is one way to write it: it is ended by its text. */
const SESSION = /^([1-9]\d{0,14})\.([\w-]{43})$/;

export type Sessions = ReturnType<typeof createSessions>;

/** `hashKey` is the database's own secret. */
export function createSessions({ hashKey, now }: { hashKey: string; now: () => number }) {
  const codeOf = (adminHash: string, end: number) =>
    createHmac("sha256", hashKey).update(JSON.stringify(["console", adminHash, end])).digest("base64url");

  function make(adminHash: string): string {
    const end = now() + LIFE;
    return `${end}.${codeOf(adminHash, end)}`;
  }

  /** Until when a session is good, milliseconds since 1970; undefined for what has ended and what we never made. */
  function endOf(session: string, adminHash: string): number | undefined {
    const [, end, code] = SESSION.exec(session) ?? [];
    if (end === undefined || code === undefined || Number(end) <= now()) return undefined;
    const isOurs = timingSafeEqual(Buffer.from(code), Buffer.from(codeOf(adminHash, Number(end))));
    return isOurs ? Number(end) : undefined;
  }

  return { make, endOf };
}

/** Seconds that a browser keeps one. */
export const SESSION_SECONDS = LIFE / 1000;

/**
 * A cookie is for one host, by its prefix (RFC 6265bis 4.1.3.2); over plain HTTP there is no prefix, and some browsers
 * would not take a `Secure` one.
 */
export const SESSION_COOKIE = { https: "__Host-carillon_session", http: "carillon_session" };
