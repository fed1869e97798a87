/**
 * Who may push to a restricted subscription (RFC 8292 4.2). What costs nothing is looked at first, and a signature once for
 * each token and key: whoever has the address of a subscription could make us verify for ever.
 */
import { compactVerify, type CryptoKey, decodeJwt, decodeProtectedHeader, importJWK } from "jose";
import { CarillonError } from "../errors.ts";
import { forgetOldest } from "../model/forget_oldest.ts";
import { shortHash } from "../model/short_hash.ts";
import { readVapid } from "../wire/vapid_header.ts";

/** Seconds that a token may be good for (RFC 8292 2), and that clocks may differ by. */
const LONGEST = 24 * 3600, TOLERANCE = 60;

/** Tokens that were found good, and keys, of which as many are remembered. */
const REMEMBERED = 10_000;

/** Signatures that are verified at once; and of one key in a second, which senders need once in hours. */
const AT_ONCE = 8, A_SECOND = 5;

type Deps = { now: () => number; elapsed: () => number; audience: string };

export type CheckVapid = (authorization: string | undefined, key: string) => Promise<void>;

/** Throws `missing_vapid` (401), `vapid_refused` (403) or `too_many_signatures` (429). */
export function createVapidCheck({ now, elapsed, audience }: Deps): CheckVapid {
  const good = new Map<string, number>(), verified = new Map<string, { second: number; count: number }>();
  const running = new Map<string, Promise<void>>();
  let verifying = 0;

  return async (authorization, key) => {
    if (authorization === undefined) throw missing();
    const vapid = readVapid(authorization);
    if (!vapid) throw refused("it is not of the form vapid t=TOKEN, k=KEY");
    if (vapid.k !== key) throw refused("the subscription is restricted to another key");
    // Good of this key alone: a token says nothing of whose it is.
    const name = shortHash(key, vapid.t);
    if ((good.get(name) ?? 0) > now()) return;
    checkClaims(vapid.t);
    await (running.get(name) ?? verifyOnce(name, vapid.t, key));
  };

  /** Whoever comes with the same token meanwhile waits for the same verification. */
  async function verifyOnce(name: string, token: string, key: string): Promise<void> {
    enter(key);
    const verdict = verify(token, key).then((expires) => remember(good, name, expires));
    running.set(name, verdict);
    await verdict.finally(() => {
      running.delete(name);
      verifying--;
    });
  }

  function checkClaims(token: string): void {
    const { exp, aud } = claimsOf(token), seconds = now() / 1000;
    if (exp === undefined || exp <= seconds - TOLERANCE) throw refused("its token has expired");
    if (exp > seconds + LONGEST + TOLERANCE) throw refused("its token is good for more than 24 hours");
    if (aud !== audience) throw refused("its token is for another push service (aud)");
  }

  function enter(key: string): void {
    const second = Math.floor(elapsed() / 1000), before = verified.get(key);
    const count = before?.second === second ? before.count + 1 : 1;
    if (verifying >= AT_ONCE || count > A_SECOND) {
      throw new CarillonError("too_many_signatures", "the push was refused: too many new tokens at once");
    }
    remember(verified, key, { second, count });
    verifying++;
  }
}

function claimsOf(token: string): { exp?: number; aud?: unknown } {
  try {
    if (decodeProtectedHeader(token).alg !== "ES256") throw refused("its token is not signed by ES256");
    const { exp, aud } = decodeJwt(token);
    return { ...(typeof exp === "number" && { exp }), aud };
  } catch (thrown) {
    throw thrown instanceof CarillonError ? thrown : refused("its token is no JWT");
  }
}

/** Answers until when the token is good, milliseconds since 1970. */
async function verify(token: string, key: string): Promise<number> {
  try {
    await compactVerify(token, await importPoint(key), { algorithms: ["ES256"] });
  } catch {
    throw refused("its signature does not verify");
  }
  return decodeJwt(token).exp! * 1000;
}

/** A point of 65 bytes, base64url: 0x04, x, y. */
async function importPoint(point: string): Promise<CryptoKey> {
  const bytes = Uint8Array.fromBase64(point, { alphabet: "base64url" });
  const [x, y] = [bytes.subarray(1, 33), bytes.subarray(33)].map((part) =>
    part.toBase64({ alphabet: "base64url", omitPadding: true })
  );
  return await importJWK({ kty: "EC", crv: "P-256", x: x!, y: y! }, "ES256") as CryptoKey;
}

function remember<T>(known: Map<string, T>, name: string, value: T): void {
  known.delete(name);
  known.set(name, value);
  forgetOldest(known, REMEMBERED);
}

function missing(): CarillonError {
  return new CarillonError("missing_vapid", "the push was refused: the subscription is restricted to a VAPID key", {
    "www-authenticate": "vapid",
  });
}

function refused(reason: string): CarillonError {
  return new CarillonError("vapid_refused", `the push was refused: ${reason}`);
}
