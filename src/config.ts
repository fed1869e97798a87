/** Settings: read once, checked together, every fault reported at once. */
import { readFileSync } from "node:fs";
import type { JWK } from "jose";
import { z } from "zod";
import { type IssuerConfig, issuerList } from "./config/issuers.ts";
import { type ApnsCredentials, apnsCredentials, type FcmCredentials, fcmCredentials } from "./config/vendors.ts";
import { isWeb } from "./config/web.ts";
import { vapidKeys } from "./config/vapid_keys.ts";
import { parsePushHost, type PushHost } from "./model/push_host.ts";

export const LOG_LEVELS = ["debug", "info", "warning", "error"] as const;

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
  /** Our accounts at Apple and at Google: without one nobody is reached through it. */
  apns: ApnsCredentials | undefined;
  fcm: FcmCredentials | undefined;
  /** Event streams at this process, in all and of one token subject. */
  maxStreams: number;
  maxSubjectStreams: number;
  /** Whether it is told which subscriptions are active (Mercure). */
  activeSubscriptions: boolean;
  /** The origin of the DAV server behind us, and the one under which clients see it: `url` where that is undefined. */
  upstream: string | undefined;
  /** Requests that the DAV server is asked at once. */
  upstreamConnections: number | undefined;
  davUrl: string | undefined;
  /** The account that polls the DAV server. */
  service: { user: string; password: string } | undefined;
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
const json = z.string().transform((text, context) => {
  try {
    return JSON.parse(/^\s*[[{]/.test(text) ? text : readFileSync(text, "utf8")) as unknown;
  } catch {
    context.addIssue("is neither JSON nor the path of a JSON file");
    return z.NEVER;
  }
});
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

/** A number of so many digits at the most. */
const count = (digits: number) =>
  z.string().regex(new RegExp(`^[1-9]\\d{0,${digits - 1}}$`), `is no number from 1 to ${"9".repeat(digits)}`)
    .transform(Number);
const words = z.string().default("").transform((text) => text.split(/[\s,]+/).filter(Boolean));

const environment = z.object({
  HOST: z.string().default("127.0.0.1"),
  PORT: port.default(8411),
  CARILLON_URL: origin.optional(),
  CARILLON_KV: z.string().default("./data/carillon.sqlite3"),
  CARILLON_ISSUERS: json.pipe(issuerList).default([]),
  CARILLON_CONTACT: contact.default("mailto:admin@localhost"),
  CARILLON_VAPID_KEY: vapidKeyList.default([]),
  CARILLON_SECRET: z.string().min(16, "is shorter than 16 characters").optional(),
  CARILLON_ORIGINS: words.pipe(z.array(origin)),
  CARILLON_ANONYMOUS: z.stringbool("is neither true nor false").default(false),
  CARILLON_PUSH_HOSTS: words.pipe(z.array(pushHost)),
  CARILLON_APNS: json.pipe(apnsCredentials).optional(),
  CARILLON_FCM: json.pipe(fcmCredentials).optional(),
  CARILLON_MAX_STREAMS: count(7).default(20_000),
  CARILLON_MAX_SUBJECT_STREAMS: count(7).default(100),
  CARILLON_ACTIVE_SUBSCRIPTIONS: z.stringbool("is neither true nor false").default(false),
  CARILLON_UPSTREAM: origin.optional(),
  CARILLON_UPSTREAM_CONNECTIONS: count(5).optional(),
  CARILLON_DAV_URL: origin.optional(),
  CARILLON_SERVICE_USER: z.string().regex(/^[^:]+$/, "holds a colon").optional(),
  CARILLON_SERVICE_PASSWORD: z.string().optional(),
  // RFC 6750 2.1: any other character could never be sent.
  CARILLON_ADMIN_TOKEN: z.string().regex(/^[A-Za-z0-9._~+/-]{16,}=*$/, "is not 16 or more of A-Z a-z 0-9 . _ ~ + / -")
    .optional(),
  CARILLON_LOG: z.enum(LOG_LEVELS).default("info"),
}).superRefine(({ CARILLON_SERVICE_USER: user, CARILLON_SERVICE_PASSWORD: password }, context) => {
  const missing = user === undefined ? "CARILLON_SERVICE_USER" : "CARILLON_SERVICE_PASSWORD";
  if ((user === undefined) !== (password === undefined)) {
    context.addIssue({ code: "custom", path: [missing], message: "is missing" });
  }
});

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
    apns: env.CARILLON_APNS,
    fcm: env.CARILLON_FCM,
    maxStreams: env.CARILLON_MAX_STREAMS,
    maxSubjectStreams: env.CARILLON_MAX_SUBJECT_STREAMS,
    activeSubscriptions: env.CARILLON_ACTIVE_SUBSCRIPTIONS,
    upstream: env.CARILLON_UPSTREAM,
    upstreamConnections: env.CARILLON_UPSTREAM_CONNECTIONS,
    davUrl: env.CARILLON_DAV_URL,
    service: serviceOf(env.CARILLON_SERVICE_USER, env.CARILLON_SERVICE_PASSWORD),
    adminToken: env.CARILLON_ADMIN_TOKEN,
    log: env.CARILLON_LOG,
  };
}

function serviceOf(user: string | undefined, password: string | undefined): Config["service"] {
  return user === undefined || password === undefined ? undefined : { user, password };
}

/** Never the value: many of them are secrets. */
function toFault({ path, message }: z.core.$ZodIssue): { variable: string; fault: string } {
  const [variable, ...inside] = path;
  return { variable: String(variable), fault: [inside.join("."), message].filter(Boolean).join(" ") };
}
