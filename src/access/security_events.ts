/** Security Event Tokens: who signed, whether it is fresh, what it says (RFC 8417, RFC 8935). */
import type { JWTPayload } from "jose";
import { CarillonError, type ErrorCode } from "../errors.ts";
import type { Change } from "../model/change.ts";
import { parsePush } from "../wire/push_message.ts";
import { hasHiddenCharacters } from "../model/topic.ts";
import type { Issuer } from "./issuers.ts";
import { CLOCK_TOLERANCE, JwtRefused, type Refusal, verifyJwt } from "./jwt.ts";

export const PUSH_EVENT = "urn:ietf:params:xml:ns:dav-push:push";

/** `jti`s are remembered as long: RFC 8935 senders retry late. */
export const MAX_AGE = "24h";

const MAX_JTI_LENGTH = 256;

export type SecurityEvent = { issuer: Issuer; jti: string; changes: Change[] };

/** Verifies a SET and reads its changes. Throws one of the errors that RFC 8935 has a code for, or `keys_unavailable`. */
export async function verifySecurityEvent(
  token: string,
  issuers: Map<string, Issuer>,
  { audience, hubUrl }: { audience: string; hubUrl: string },
  now: Date,
): Promise<SecurityEvent> {
  const options = {
    typ: "secevent+jwt",
    audience,
    maxTokenAge: MAX_AGE,
    clockTolerance: CLOCK_TOLERANCE,
    currentDate: now,
  };
  const { payload, issuer } = await verifyJwt(token, issuers, options).catch(explain);
  const changes = parsePush(pushEvent(payload), "invalid_set", hubUrl);
  const foreign = changes.find(({ topics }) => !issuer.topics.some((matcher) => matcher.matches(topics[0]!)));
  if (foreign) {
    throw new CarillonError(
      "access_denied",
      `the issuer may not speak for a topic: ${foreign.topics[0]!.slice(0, 100)}`,
    );
  }
  return { issuer, jti: readJti(payload), changes };
}

function pushEvent({ events }: JWTPayload): unknown {
  const event = typeof events === "object" && events !== null
    ? (events as Record<string, unknown>)[PUSH_EVENT]
    : undefined;
  if (event === undefined) throw new CarillonError("invalid_set", `the SET holds no event of type ${PUSH_EVENT}`);
  return event;
}

function readJti({ jti }: JWTPayload): string {
  if (typeof jti !== "string" || jti === "" || jti.length > MAX_JTI_LENGTH || hasHiddenCharacters(jti)) {
    throw new CarillonError(
      "invalid_set",
      `the SET has no usable jti: expected 1 to ${MAX_JTI_LENGTH} visible characters`,
    );
  }
  return jti;
}

function explain(error: unknown): never {
  if (!(error instanceof JwtRefused)) throw error;
  const [code, message] = describe(error.refusal);
  throw new CarillonError(code, message);
}

function describe(refusal: Refusal): [ErrorCode, string] {
  if (typeof refusal === "object") return describeClaim(refusal.claim);
  switch (refusal) {
    case "malformed":
      return ["invalid_set", "the body is not a compact signed JWT"];
    case "embedded_key":
      return ["invalid_key", "the SET brings its own key: jwk, jku, x5u and x5c are refused"];
    case "unknown_issuer":
      return ["invalid_issuer", "the SET's iss is not a known issuer"];
    case "signature":
      return ["authentication_failed", "the SET's signature does not verify"];
    case "expired":
      return ["invalid_set", "the SET has expired: its exp is past"];
    case "keys_unavailable":
      return ["keys_unavailable", "the issuer's keys could not be fetched"];
    default:
      return ["invalid_key", "no key of the issuer fits the SET's alg and kid"];
  }
}

function describeClaim(claim: string): [ErrorCode, string] {
  if (claim === "aud") return ["invalid_audience", "the SET's aud is not this worker"];
  if (claim === "iat") return ["invalid_set", `the SET's iat is missing, in the future, or older than ${MAX_AGE}`];
  if (claim === "typ") return ["invalid_set", "the SET's typ is not secevent+jwt"];
  return ["invalid_set", `the SET's ${claim} is not valid`];
}
