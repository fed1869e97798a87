/** Servers that may sign, as the settings name them. */
import type { JSONWebKeySet } from "jose";
import { z } from "zod";
import { compileMatcher, type MatcherText, matcherText, type MatchType } from "../model/matcher.ts";
import { isWeb } from "./web.ts";

export const ALGORITHMS = ["EdDSA", "ES256", "RS256", "HS256"] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** HS256 wants a key as long as its hash (RFC 7518 3.2). */
const MIN_SECRET = 32;

/** Changes a second of an issuer that names no rate: far above any calendar server, far below what a worker can do. */
const DEFAULT_RATE = 10_000;

/**
 * A server that may sign: its keys, its algorithms, the topics that it may speak for, and how many changes a second it
 * may publish at one process; without a rate as many as it likes.
 */
export type IssuerConfig = {
  iss: string;
  keys: { jwks: JSONWebKeySet } | { jwks_uri: string } | { secret: string };
  algorithms: Algorithm[];
  topics: MatcherText[];
  rate?: number;
};

const keyAddress = z.string().refine((text) => {
  const url = URL.parse(text);
  return url !== null && isWeb(url) && (url.protocol === "https:" || isLocal(url));
}, "is not an https address");
const publicKey = z.looseObject({ kty: z.enum(["EC", "OKP", "RSA"], "is not a public key of type EC, OKP or RSA") })
  .refine((jwk) => !("d" in jwk), "holds a private key: keep that with the issuer");
const topic = z.union([
  z.string().min(1).transform(matcherText),
  z.object({ match: z.string().min(1), match_type: z.enum(["exact", "urlpattern"]).default("exact") })
    .transform(({ match, match_type }) => ({ match, type: match_type as MatchType })),
]).refine(compiles, "does not compile or costs too much");

const issuer = z.object({
  iss: z.string().min(1).max(1024),
  jwks: z.object({ keys: z.array(publicKey).min(1) }).optional(),
  jwks_uri: keyAddress.optional(),
  secret: z.string().min(MIN_SECRET, `is shorter than ${MIN_SECRET} characters`).optional(),
  algorithms: z.array(z.enum(ALGORITHMS)).min(1).optional(),
  topics: z.array(topic).min(1),
  rate: z.number().min(0.1, "is no number of changes a second from 0.1").default(DEFAULT_RATE),
}).transform((entry, context): IssuerConfig => {
  const { iss, jwks, jwks_uri, secret, topics, rate } = entry;
  const keys = [jwks && { jwks: jwks as JSONWebKeySet }, jwks_uri && { jwks_uri }, secret && { secret }].filter(
    Boolean,
  );
  if (keys.length !== 1) context.addIssue("has not exactly one of jwks, jwks_uri and secret");
  const algorithms = entry.algorithms ??
    (secret ? ["HS256" as const] : ["EdDSA" as const, "ES256" as const, "RS256" as const]);
  // RFC 8725 3.1: a public key must never serve as the secret of an HMAC.
  if (algorithms.some((name) => (name === "HS256") !== Boolean(secret))) {
    context.addIssue("has algorithms that do not go with its keys");
  }
  return { iss, keys: keys[0] as IssuerConfig["keys"], algorithms, topics, rate };
});

export const issuerList = z.array(issuer).refine(
  (list) => new Set(list.map(({ iss }) => iss)).size === list.length,
  "names an issuer twice",
)
  .refine((list) => list.every(({ iss }) => iss !== "local"), "names the issuer local, which every database has");

function isLocal({ hostname }: URL): boolean {
  return ["localhost", "127.0.0.1", "[::1]"].includes(hostname);
}

function compiles(text: MatcherText): boolean {
  try {
    return Boolean(compileMatcher(text, "https://carillon.example/"));
  } catch {
    return false;
  }
}
