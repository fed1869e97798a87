/**
 * Access tokens of a Google service account ("Using OAuth 2.0 for Server to Server Applications", RFC 7523 2.1): asked
 * for once however many wait, kept until shortly before they end, and asked for less often while there are none.
 */
import type { Logger } from "@logtape/logtape";
import { type CryptoKey, importPKCS8, SignJWT } from "jose";
import { z } from "zod";
import type { Clock } from "../clock.ts";
import type { FcmCredentials } from "../config/vendors.ts";
import { parseRetryAfter } from "../wire/retry_after.ts";
import { createBreaker } from "./breaker.ts";
import type { Egress, Reply } from "./egress.ts";
import { KEY_PAUSE } from "./key_breaker.ts";
import type { Tokens } from "./vendor.ts";

/** Milliseconds before its end that another one is asked for; half its life where that is shorter. */
export const RENEW_BEFORE = 5 * 60_000;

/** Seconds that an assertion is good for; Google: an hour at most. */
const ASSERTION_LIFE = 3600;

const SCOPE = "https://www.googleapis.com/auth/firebase.messaging";
const GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/** RFC 6749 5.1; without its end a token could not be renewed in time. */
const grant = z.object({
  access_token: z.string().regex(/^[!-~]+$/),
  token_type: z.string().regex(/^bearer$/i),
  expires_in: z.number().positive(),
});

/** Times are of `clock.elapsed`. */
type Token = { header: string; renewAt: number; endsAt: number };

type Deps = { egress: Egress; credentials: FcmCredentials; clock: Clock; random: () => number; log: Logger };

export function createAccessTokens({ egress, credentials, clock, random, log }: Deps): Tokens {
  const { tokenUri } = credentials;
  const breaker = createBreaker({ clock, random });
  const printAssertion = createAssertions(credentials);
  let token: Token | undefined, asking: Promise<void> | undefined, isTold = false;

  async function get(): Promise<string | undefined> {
    if (!token || clock.elapsed() >= token.renewAt) await (asking ??= ask().finally(() => void (asking = undefined)));
    return token && clock.elapsed() < token.endsAt ? token.header : undefined;
  }

  async function renew(refused: string): Promise<string | undefined> {
    if (token?.header === refused) token = undefined;
    return await get();
  }

  async function ask(): Promise<void> {
    if (breaker.left() > 0) return;
    const assertion = await printAssertion(clock.now());
    const body = new TextEncoder().encode(`${new URLSearchParams({ grant_type: GRANT_TYPE, assertion })}`);
    const headers = { "content-type": "application/x-www-form-urlencoded", "content-length": `${body.byteLength}` };
    const reply = await egress.post(tokenUri, { headers, body, reads: true });
    const granted = readGrant(reply, clock.elapsed());
    if (!granted) return fail(reply);
    token = granted;
    isTold = false;
    breaker.succeeded();
  }

  /** The token that there is may still be good. */
  function fail(reply: Reply): void {
    const status = "status" in reply ? reply.status : reply.fault;
    breaker.open(pauseAfter(reply));
    if (!isTold) log.error("there is no access token for FCM ({status}): check CARILLON_FCM and the clock", { status });
    isTold = true;
  }

  /** RFC 6749 5.2: with 400 or 401 there is something to mend. Undefined: longer each time. */
  function pauseAfter(reply: Reply): number | undefined {
    if (!("status" in reply)) return undefined;
    if (reply.status === 400 || reply.status === 401) return KEY_PAUSE;
    const wait = parseRetryAfter(reply.retryAfter ?? "", clock.now());
    return wait ? Math.min(wait, KEY_PAUSE) : undefined;
  }

  return { get, renew, left: breaker.left };
}

/** Answers what prints an assertion of the service account, at `now`, milliseconds since 1970. */
function createAssertions({ clientEmail, keyId, privateKey, tokenUri }: FcmCredentials) {
  let key: Promise<CryptoKey> | undefined;
  return async (now: number): Promise<string> => {
    key ??= importPKCS8(privateKey, "RS256");
    const iat = Math.floor(now / 1000);
    return await new SignJWT({ iss: clientEmail, scope: SCOPE, aud: tokenUri, iat, exp: iat + ASSERTION_LIFE })
      .setProtectedHeader({ alg: "RS256", typ: "JWT", ...(keyId !== undefined && { kid: keyId }) })
      .sign(await key);
  };
}

/** `now` is of `clock.elapsed`. Undefined for whatever is no grant. */
function readGrant(reply: Reply, now: number): Token | undefined {
  if (!("status" in reply) || reply.status !== 200) return undefined;
  try {
    const { access_token, expires_in } = grant.parse(JSON.parse(reply.body ?? "")), life = expires_in * 1000;
    const renewAt = now + life - Math.min(RENEW_BEFORE, life / 2);
    return { header: `Bearer ${access_token}`, renewAt, endsAt: now + life };
  } catch {
    return undefined;
  }
}
