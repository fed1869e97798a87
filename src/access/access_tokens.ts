/** Access tokens: RFC 9068 JWTs with RFC 9396 grants of the Mercure type. */
import type { JWTPayload } from "jose";
import { z } from "zod";
import { CarillonError } from "../errors.ts";
import { type Action, type Bearer, type Grant, GRANT_TYPE, type Payload } from "../model/grant.ts";
import { compileMatcher, MAX_MATCHERS } from "../model/matcher.ts";
import type { Issuer } from "./issuers.ts";
import { CLOCK_TOLERANCE, JwtRefused, type Refusal, verifyJwt } from "./jwt.ts";

/** A verified token is not verified again for so long, milliseconds; a revoked key works at most so long. */
const CACHE_FOR = 60_000;
const CACHE_SIZE = 1_000;

/** Grants of one token. */
const MAX_GRANTS = 100;

/** Bytes of a payload, as JSON: it is told with each subscription, of which a stream may have a hundred. */
const MAX_PAYLOAD = 1024;

const ACTIONS: Action[] = ["publish", "subscribe"];

const detail = z.object({
  type: z.literal(GRANT_TYPE),
  actions: z.array(z.string()).min(1),
  topics: z.array(z.object({ match: z.string(), match_type: z.enum(["exact", "urlpattern"]).default("exact") })).min(1)
    .max(MAX_MATCHERS),
  payload: z.custom<Payload>(isPayload).optional(),
});

function isPayload(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return new TextEncoder().encode(JSON.stringify(value)).byteLength <= MAX_PAYLOAD;
}

export type TokenVerifier = (token: string) => Promise<Bearer>;

/**
 * Makes the verifier of one audience list. It throws `invalid_token` (RFC 6750 3.1) with the reason, or
 * `keys_unavailable`. What it verified it remembers for a minute.
 */
export function createTokenVerifier(
  { issuers, audience, hubUrl, now }: {
    issuers: Map<string, Issuer>;
    audience: string[];
    hubUrl: string;
    now: () => number;
  },
): TokenVerifier {
  const verified = new Map<string, { bearer: Bearer; until: number }>();
  return async (token) => {
    const known = verified.get(token);
    if (known && known.until > now()) return known.bearer;
    const options = {
      typ: "at+jwt",
      audience,
      requiredClaims: ["exp"],
      clockTolerance: CLOCK_TOLERANCE,
      currentDate: new Date(now()),
    };
    const { payload, issuer } = await verifyJwt(token, issuers, options).catch(explain);
    const bearer = readBearer(payload, issuer, hubUrl);
    if (bearer.expiresAt <= now()) throw refuse("it has expired");
    if (verified.size >= CACHE_SIZE) verified.clear();
    verified.set(token, { bearer, until: Math.min(bearer.expiresAt, now() + CACHE_FOR) });
    return bearer;
  };
}

function readBearer(payload: JWTPayload, issuer: Issuer, hubUrl: string): Bearer {
  return {
    iss: issuer.iss,
    ...(typeof payload.sub === "string" && { subject: payload.sub }),
    expiresAt: payload.exp! * 1000,
    grants: readGrants(payload["authorization_details"], hubUrl),
    issuerTopics: issuer.topics,
  };
}

// Mercure, "Authorization": entries of other types are none of ours; one malformed entry of ours rejects the token.
function readGrants(details: unknown, hubUrl: string): Grant[] {
  if (details === undefined) return [];
  if (!Array.isArray(details)) throw refuse("its authorization_details are no list");
  const ours = details.filter((entry) => entry?.type === GRANT_TYPE);
  if (ours.length > MAX_GRANTS) throw refuse(`its authorization_details are more than ${MAX_GRANTS}`);
  return ours.map((entry) => readGrant(entry, hubUrl));
}

function readGrant(entry: unknown, hubUrl: string): Grant {
  const parsed = detail.safeParse(entry);
  if (!parsed.success) throw refuse("an entry of its authorization_details is malformed");
  const { actions, topics, payload } = parsed.data;
  return {
    // An action that nobody knows yet grants nothing, and takes nothing away.
    actions: ACTIONS.filter((action) => actions.includes(action)),
    topics: topics.map(({ match, match_type }) => compileGranted(match, match_type, hubUrl)),
    ...(payload && { payload }),
  };
}

function compileGranted(match: string, type: "exact" | "urlpattern", hubUrl: string) {
  try {
    return compileMatcher({ match, type }, hubUrl);
  } catch {
    throw refuse("a topic of its authorization_details does not compile or costs too much");
  }
}

function explain(error: unknown): never {
  if (!(error instanceof JwtRefused)) throw error;
  if (error.refusal === "keys_unavailable") {
    throw new CarillonError("keys_unavailable", "the issuer's keys could not be fetched");
  }
  throw refuse(describe(error.refusal));
}

function describe(refusal: Exclude<Refusal, "keys_unavailable">): string {
  if (typeof refusal === "object") return `its ${refusal.claim} is missing or not for this worker`;
  const reasons = {
    malformed: "it is not a compact signed JWT",
    embedded_key: "it brings its own key",
    unknown_issuer: "its iss is not a known issuer",
    key: "no key of the issuer fits its alg and kid",
    signature: "its signature does not verify",
    expired: "it has expired",
  };
  return reasons[refusal];
}

function refuse(reason: string): CarillonError {
  const challenge = `Bearer error="invalid_token", error_description="the token was refused: ${reason}"`;
  return new CarillonError("invalid_token", `the token was refused: ${reason}`, { "www-authenticate": challenge });
}
