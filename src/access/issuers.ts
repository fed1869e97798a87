/** The issuers that may sign, and their keys. */
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  type FetchImplementation,
  type JWTVerifyGetKey,
} from "jose";
import type { IssuerConfig } from "../config/issuers.ts";
import { compileMatcher, type Matcher } from "../model/matcher.ts";

/** A key set is fetched again for an unknown `kid`, but not more often than this, milliseconds. */
const JWKS_COOLDOWN = 30_000;
const JWKS_MAX_AGE = 10 * 60_000;
const JWKS_TIMEOUT = 5_000;
const JWKS_PAUSE_AFTER_FAULT = 5_000;

/** The issuer's key set could not be read. */
export class KeysUnavailable extends Error {}

export type Issuer = { iss: string; algorithms: string[]; topics: Matcher[]; key: JWTVerifyGetKey };

/** Prepares the issuers by their `iss`. */
export function createIssuers(
  entries: IssuerConfig[],
  hubUrl: string,
  fetch: typeof globalThis.fetch,
): Map<string, Issuer> {
  return new Map(entries.map((entry) => [entry.iss, createIssuer(entry, hubUrl, fetch)]));
}

function createIssuer(
  { iss, keys, algorithms, topics }: IssuerConfig,
  hubUrl: string,
  fetch: typeof globalThis.fetch,
): Issuer {
  return {
    iss,
    // RFC 9864 gave EdDSA with Ed25519 a name of its own; senders use either.
    algorithms: algorithms.flatMap((name) => name === "EdDSA" ? ["EdDSA", "Ed25519"] : [name]),
    topics: topics.map((topic) => compileMatcher(topic, hubUrl)),
    key: keyFinder(keys, fetch),
  };
}

function keyFinder(keys: IssuerConfig["keys"], fetch: typeof globalThis.fetch): JWTVerifyGetKey {
  if ("jwks" in keys) return createLocalJWKSet(keys.jwks);
  if ("secret" in keys) {
    const secret = new TextEncoder().encode(keys.secret);
    return () => secret;
  }
  return createRemoteJWKSet(new URL(keys.jwks_uri), {
    cooldownDuration: JWKS_COOLDOWN,
    cacheMaxAge: JWKS_MAX_AGE,
    timeoutDuration: JWKS_TIMEOUT,
    [customFetch]: patientFetch(fetch),
  });
}

/** After a fault the address is not asked again at once: not every token may cost a fetch. Keys in the cache still count. */
function patientFetch(fetch: typeof globalThis.fetch): FetchImplementation {
  let retryAt = 0;
  return async (url, options) => {
    if (Date.now() < retryAt) throw new KeysUnavailable();
    try {
      return await fetchKeys(fetch, url, options as RequestInit);
    } catch {
      retryAt = Date.now() + JWKS_PAUSE_AFTER_FAULT;
      throw new KeysUnavailable();
    }
  };
}

async function fetchKeys(fetch: typeof globalThis.fetch, url: string, options: RequestInit): Promise<Response> {
  const response = await fetch(url, options);
  const text = await response.text();
  if (response.status !== 200 || !Array.isArray(JSON.parse(text).keys)) throw new KeysUnavailable();
  return new Response(text);
}
