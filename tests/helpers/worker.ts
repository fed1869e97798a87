/** A worker inside the test's process: real HTTP on port 0, a real embedded database in memory. */
import { getLogger } from "@logtape/logtape";
import { generateKeyPair, SignJWT } from "jose";
import type { BrokerDeps } from "../../src/broker/broker.ts";
import { type Clock, systemClock } from "../../src/clock.ts";
import { type Config, readConfig } from "../../src/config.ts";
import type { ReadMemory } from "../../src/memory.ts";
import { createMetrics } from "../../src/metrics.ts";
import { GRANT_TYPE } from "../../src/model/grant.ts";
import { openSenders } from "../../src/senders.ts";
import { serveNode } from "../../src/serve/node_http.ts";
import { type LocalIssuer, readLocalIssuer } from "../../src/store/keys.ts";
import { startWorker } from "../../src/worker.ts";
import { PUSH_EVENT } from "../../src/access/security_events.ts";
import { documented } from "./documented.ts";

export const SECRET = "a secret of the tests, long enough for HS256";

export type TestWorker = Awaited<ReturnType<typeof testWorker>>;

type Options = {
  env?: Record<string, string>;
  config?: Partial<Config>;
  kv?: Deno.Kv;
  /** Other workers have the same database. */
  isShared?: boolean;
  clock?: Clock;
  serve?: typeof serveNode;
  limits?: BrokerDeps["limits"];
  readMemory?: ReadMemory;
  /** The authority of a push service of the tests. */
  ca?: string;
};

/** All of the memory is free. */
const roomy: ReadMemory = () => [{ used: 0, limit: 1 }];

/** Starts one; `await using` stops it, and throws when it gave an answer that its document does not name. */
export async function testWorker(
  {
    env = {},
    config,
    kv: given,
    isShared = false,
    clock = systemClock,
    serve = serveNode,
    limits,
    readMemory = roomy,
    ca,
  }: Options = {},
) {
  const kv = given ?? await Deno.openKv(":memory:");
  const metrics = createMetrics();
  const settings = { ...readConfig({ PORT: "0", ...env }), ...config };
  const deps = { config: settings, kv, clock, random: Math.random, log: getLogger("carillon"), metrics, readMemory };
  const outlets = await openSenders({ ...deps, ca });
  const watched = documented(serve);
  const worker = await startWorker({ ...deps, embedded: !isShared, fetch, outlets, serve: watched.serve, limits });
  const local = await readLocalIssuer(kv, settings.secret);
  const stop = async () => {
    await worker.stop();
    await outlets.close();
    if (!given) kv.close();
    watched.check();
  };
  return { ...worker, hub: `${worker.url}/.well-known/mercure`, kv, local, metrics, stop, [Symbol.asyncDispose]: stop };
}

type Matched = string | { match: string; match_type: "exact" | "urlpattern" };

/** An access token of the local issuer. */
export async function accessToken(
  { url, local }: { url: string; local: LocalIssuer },
  grants: { publish?: Matched[]; subscribe?: Matched[]; expires?: number | string; claims?: Record<string, unknown> },
): Promise<string> {
  const details = (["publish", "subscribe"] as const).filter((action) => grants[action]).map((action) => ({
    type: GRANT_TYPE,
    actions: [action],
    topics: grants[action]!.map((topic) => typeof topic === "string" ? { match: topic } : topic),
  }));
  return await new SignJWT({ authorization_details: details, sub: "tester", ...grants.claims })
    .setProtectedHeader({ alg: "EdDSA", typ: "at+jwt", kid: local.jwks.keys[0]!.kid })
    .setIssuer(local.iss).setAudience(url).setIssuedAt().setExpirationTime(grants.expires ?? "1h").sign(
      local.privateKey,
    );
}

export type Message = { topic: string; timestamp?: string; [member: string]: unknown };

/** A SET of the local issuer with one push message for each topic or message. */
export async function securityEvent(
  { url, local }: { url: string; local: LocalIssuer },
  messages: (string | Message)[],
  { jti = crypto.randomUUID(), iat = Math.floor(Date.now() / 1000) }: { jti?: string; iat?: number } = {},
): Promise<string> {
  const filled = messages.map((m) => ({
    timestamp: new Date().toISOString(),
    ...(typeof m === "string" ? { topic: m } : m),
  }));
  return await new SignJWT({ events: { [PUSH_EVENT]: { messages: filled } } })
    .setProtectedHeader({ alg: "EdDSA", typ: "secevent+jwt" })
    .setIssuer(local.iss).setAudience(url).setIssuedAt(iat).setJti(jti).sign(local.privateKey);
}

export function postEvent(url: string, set: string): Promise<Response> {
  return fetch(`${url}/-/events`, {
    method: "POST",
    body: set,
    headers: { "content-type": "application/secevent+jwt" },
  });
}

/** Signs and sends one SET, and expects 202. */
export async function ring(
  worker: { url: string; local: LocalIssuer },
  ...messages: (string | Message)[]
): Promise<void> {
  const response = await postEvent(worker.url, await securityEvent(worker, messages));
  const body = await response.text();
  if (response.status !== 202) throw new Error(`expected 202: ${response.status} ${body}`);
}

/** Publishes by the Mercure protocol, and answers the event's id. */
export async function publish(
  hub: string,
  token: string,
  fields: [string, string][],
): Promise<{ status: number; body: string }> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/x-www-form-urlencoded" };
  const response = await fetch(hub, { method: "POST", headers, body: new URLSearchParams(fields).toString() });
  return { status: response.status, body: await response.text() };
}

export async function freshKey(alg = "EdDSA"): Promise<CryptoKeyPair> {
  return await generateKeyPair(alg, { extractable: true }) as CryptoKeyPair;
}
