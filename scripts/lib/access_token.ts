/** Access tokens: RFC 9068 JWTs with RFC 9396 grants of the Mercure type. */
import { SignJWT } from "jose";
import { type Action, GRANT_TYPE } from "../../src/model/grant.ts";
import { compileMatcher, matcherText, MAX_MATCHERS } from "../../src/model/matcher.ts";
import { CarillonError } from "../../src/errors.ts";
import { hubOf } from "./address.ts";
import { UsageError } from "./command.ts";
import type { Signer } from "./signer.ts";

/** RFC 9068 2.2 wants a client and a subject; whoever has the same subject is the same owner to the worker. */
const HOLDER = "carillon-commands";

export type Grants = Partial<Record<Action, string[] | undefined>>;

/** Signs a token; patterns are in their short form. Lives for `expires` seconds. Throws `UsageError` for a pattern. */
export async function signAccessToken(
  { iss, alg, kid, key }: Signer,
  url: string,
  grants: Grants,
  expires: number,
  sub = HOLDER,
): Promise<string> {
  const details = Object.entries(grants).filter(([, patterns]) => patterns?.length).map(([action, patterns]) => ({
    type: GRANT_TYPE,
    actions: [action],
    topics: readPatterns(patterns!, url).map(({ match, type }) => ({ match, match_type: type })),
  }));
  const now = Math.floor(Date.now() / 1000);
  return await new SignJWT({ sub, client_id: HOLDER, authorization_details: details })
    .setProtectedHeader({ alg, typ: "at+jwt", kid })
    .setIssuer(iss).setAudience(url).setIssuedAt(now).setExpirationTime(now + expires).setJti(crypto.randomUUID())
    .sign(key);
}

/** RFC 6750 2.1. */
export function isAccessToken(text: string): boolean {
  return /^[A-Za-z0-9._~+/-]+=*$/.test(text);
}

/** Checks a token that was given; nothing of it is shown. Throws `UsageError`. */
export function checkAccessToken(text: string): string {
  if (isAccessToken(text)) return text;
  throw new UsageError("--token is no access token");
}

/** Reads patterns as the worker will. Throws `UsageError`. */
export function readPatterns(patterns: string[], url: string) {
  if (patterns.length > MAX_MATCHERS) throw new UsageError(`too many patterns: ${patterns.length}, at most 100`);
  try {
    return patterns.map((pattern) => compileMatcher(matcherText(pattern), hubOf(url)));
  } catch (thrown) {
    throw thrown instanceof CarillonError ? new UsageError(thrown.message) : thrown;
  }
}
