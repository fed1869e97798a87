/** Tokens of the local issuer: Security Event Tokens that report changes, access tokens that publish and listen. */
import { SignJWT } from "jose";
import { PUSH_EVENT } from "../../src/access/security_events.ts";
import { GRANT_TYPE } from "../../src/model/grant.ts";
import type { BenchWorker } from "./worker.ts";

/** A SET that reports one content change of each topic. */
export async function signSet({ url, local }: BenchWorker, topics: string[]): Promise<string> {
  const timestamp = new Date().toISOString();
  const messages = topics.map((topic) => ({ topic, timestamp }));
  return await sign({ events: { [PUSH_EVENT]: { messages } } }, "secevent+jwt", local)
    .setAudience(url).setIssuedAt().setJti(crypto.randomUUID()).sign(local.privateKey);
}

/** An access token for every topic. */
export async function signAccess({ url, local }: BenchWorker, action: "publish" | "subscribe"): Promise<string> {
  const details = [{ type: GRANT_TYPE, actions: [action], topics: [{ match: "*" }] }];
  return await sign({ authorization_details: details, sub: "bench" }, "at+jwt", local)
    .setAudience(url).setIssuedAt().setExpirationTime("2h").sign(local.privateKey);
}

function sign(payload: Record<string, unknown>, typ: string, local: BenchWorker["local"]): SignJWT {
  return new SignJWT(payload).setProtectedHeader({ alg: "EdDSA", typ, kid: local.jwks.keys[0]!.kid })
    .setIssuer(local.iss);
}
