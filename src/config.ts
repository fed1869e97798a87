/** Settings: read once, checked together, every fault reported at once. */
import { readFileSync } from "node:fs";
import type { JSONWebKeySet, JWK } from "jose";
import { z } from "zod";
import { vapidKeys } from "./config/vapid_keys.ts";
import { compileMatcher, type MatcherText, matcherText, type MatchType } from "./model/matcher.ts";
import { parsePushHost, type PushHost } from "./model/push_host.ts";

export const LOG_LEVELS = ["debug", "info", "warning", "error"] as const;

export const ALGORITHMS = ["EdDSA", "ES256", "RS256", "HS256"] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** HS256 wants a key as long as its hash (RFC 7518 3.2). */
const MIN_SECRET = 32;

/** A server that may sign: its keys, its algorithms, and the topics that it may speak for. */
export type IssuerConfig = {
  iss: string;
  keys: { jwks: JSONWebKeySet } | { jwks_uri: string } | { secret: string };
  algorithms: Algorithm[];
  topics: MatcherText[];
};

export type Config = {
  host: string;
  port: number;
  /** Public origin, without a slash at its end. */
  url: string;
  kv: string;
  issuers: IssuerConfig[];
  /** `mailto:` or `https:`, where push services reach the operator (RFC 8292 2.1). */
  contact: string;
  /** Private keys of P-256, the first for new subscriptions; none: the one that the database keeps. */
  vapidKeys: JWK[];
  secret: string | undefined;
  origins: string[];
  anonymous: boolean;
  pushHosts: PushHost[];
  /** The origin of the DAV server behind us, and the one under which clients see it: `url` where that is undefined. */
  upstream: string | undefined;
  /** Requests that the DAV server is asked at once. */
  upstreamConnections: number | undefined;
  davUrl: string | undefined;
  adminToken: string | undefined;
  log: (typeof LOG_LEVELS)[number];
};

/** What is wrong, by variable. */
export class ConfigError extends Error {
  constructor(readonly faults: { variable: string; fault: string }[]) {
    super(faults.map(({ variable, fault }) => `${variable}: ${fault}`).join("\n"));
    this.name = "ConfigError";
  }
}

const port = z.string().regex(/^\d{1,5}$/, "is no port").transform(Number).pipe(z.number().max(65535, "is no port"));
const origin = z.string().transform((text, context) => {
  const url = URL.parse(text);
  if (url && isWeb(url) && url.pathname === "/" && !url.search && !url.hash && !url.username) return url.origin;
  context.addIssue("is not an origin such as https://push.example.org");
  return z.NEVER;
});
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
}).transform((entry, context): IssuerConfig => {
  const { iss, jwks, jwks_uri, secret, topics } = entry;
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
  return { iss, keys: keys[0] as IssuerConfig["keys"], algorithms, topics };
});

const json = z.string().transform((text, context) => {
  try {
    return JSON.parse(/^\s*[[{]/.test(text) ? text : readFileSync(text, "utf8")) as unknown;
  } catch {
    context.addIssue("is neither JSON nor the path of a JSON file");
    return z.NEVER;
  }
});
const issuers = json.pipe(z.array(issuer)).refine(
  (list) => new Set(list.map(({ iss }) => iss)).size === list.length,
  "names an issuer twice",
)
  .refine((list) => list.every(({ iss }) => iss !== "local"), "names the issuer local, which every database has");

const vapidKeyList = json.transform((value) => [value].flat()).pipe(vapidKeys);

// RFC 8292 2.1.
const contact = z.string().refine((text) => {
  if (/^mailto:[^@\s<>]+@[^@\s<>]+$/.test(text)) return true;
  return /^https:\/\/[^\s]+$/.test(text) && URL.canParse(text);
}, "is neither a mailto: nor an https: address");
const pushHost = z.string().transform((text, context) => {
  try {
    return parsePushHost(text);
  } catch (thrown) {
    context.addIssue((thrown as Error).message);
    return z.NEVER;
  }
});

const words = z.string().default("").transform((text) => text.split(/[\s,]+/).filter(Boolean));

const environment = z.object({
  HOST: z.string().default("127.0.0.1"),
  PORT: port.default(8411),
  CARILLON_URL: origin.optional(),
  CARILLON_KV: z.string().default("./data/carillon.sqlite3"),
  CARILLON_ISSUERS: issuers.default([]),
  CARILLON_CONTACT: contact.default("mailto:admin@localhost"),
  CARILLON_VAPID_KEY: vapidKeyList.default([]),
  CARILLON_SECRET: z.string().min(16, "is shorter than 16 characters").optional(),
  CARILLON_ORIGINS: words.pipe(z.array(origin)),
  CARILLON_ANONYMOUS: z.stringbool("is neither true nor false").default(false),
  CARILLON_PUSH_HOSTS: words.pipe(z.array(pushHost)),
  CARILLON_UPSTREAM: origin.optional(),
  CARILLON_UPSTREAM_CONNECTIONS: z.string().regex(/^[1-9]\d{0,4}$/, "is no number from 1 to 99999").transform(Number)
    .optional(),
  CARILLON_DAV_URL: origin.optional(),
  // RFC 6750 2.1: any other character could never be sent.
  CARILLON_ADMIN_TOKEN: z.string().regex(/^[A-Za-z0-9._~+/-]{16,}=*$/, "is not 16 or more of A-Z a-z 0-9 . _ ~ + / -")
    .optional(),
  CARILLON_LOG: z.enum(LOG_LEVELS).default("info"),
});

function isWeb({ protocol }: URL): boolean {
  return protocol === "https:" || protocol === "http:";
}

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

/** The variables that are read, for the tests of the README's table. */
export const VARIABLES = Object.keys(environment.shape);

/** Reads the settings. An empty variable counts as unset. Throws `ConfigError` with every fault. */
export function readConfig(variables: Record<string, string | undefined>): Config {
  const set = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== undefined && value !== ""));
  const parsed = environment.safeParse(set);
  if (!parsed.success) throw new ConfigError(parsed.error.issues.map(toFault));
  const env = parsed.data;
  return {
    host: env.HOST,
    port: env.PORT,
    url: env.CARILLON_URL ?? `http://localhost:${env.PORT}`,
    kv: env.CARILLON_KV,
    issuers: env.CARILLON_ISSUERS,
    contact: env.CARILLON_CONTACT,
    vapidKeys: env.CARILLON_VAPID_KEY,
    secret: env.CARILLON_SECRET,
    origins: env.CARILLON_ORIGINS,
    anonymous: env.CARILLON_ANONYMOUS,
    pushHosts: env.CARILLON_PUSH_HOSTS,
    upstream: env.CARILLON_UPSTREAM,
    upstreamConnections: env.CARILLON_UPSTREAM_CONNECTIONS,
    davUrl: env.CARILLON_DAV_URL,
    adminToken: env.CARILLON_ADMIN_TOKEN,
    log: env.CARILLON_LOG,
  };
}

/** Never the value: many of them are secrets. */
function toFault({ path, message }: z.core.$ZodIssue): { variable: string; fault: string } {
  const [variable, ...inside] = path;
  return { variable: String(variable), fault: [inside.join("."), message].filter(Boolean).join(" ") };
}
