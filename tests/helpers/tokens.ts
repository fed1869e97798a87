/** Tokens as an attacker, or a careless server, would make them. */
import { base64url, CompactSign } from "jose";
import { PUSH_EVENT } from "../../src/access/security_events.ts";
import { GRANT_TYPE } from "../../src/model/grant.ts";

export type Key = CryptoKey | Uint8Array;
export type Header = { alg: string; typ?: string; [name: string]: unknown };

const encoder = new TextEncoder();

/** Signs any payload, also one that is no JSON, under any header. */
export async function sign(key: Key, header: Header, payload: unknown): Promise<string> {
  const bytes = payload instanceof Uint8Array ? payload : encoder.encode(JSON.stringify(payload));
  return await new CompactSign(bytes).setProtectedHeader(header).sign(key);
}

/** `alg` none: nobody signed it. */
export function unsigned(header: Record<string, unknown>, payload: unknown): string {
  return `${base64url.encode(JSON.stringify(header))}.${base64url.encode(JSON.stringify(payload))}.`;
}

const seconds = () => Math.floor(Date.now() / 1000);

/** The claims of a good SET about one topic, changed as the test needs; undefined leaves a claim out. */
export function setClaims(aud: string | string[], more: Record<string, unknown> = {}) {
  const message = { topic: "a", timestamp: "2026-11-23T14:00:52Z" };
  const events = { [PUSH_EVENT]: { messages: [message] } };
  return { iss: "local", aud, iat: seconds(), jti: crypto.randomUUID(), events, ...more };
}

/** The claims of a good access token with these grants. */
export function accessClaims(aud: string, details: unknown, more: Record<string, unknown> = {}) {
  return {
    iss: "local",
    aud,
    iat: seconds(),
    exp: seconds() + 600,
    sub: "tester",
    authorization_details: details,
    ...more,
  };
}

/** One entry of `authorization_details`, changed as the test needs. */
export function grant(actions: unknown, topics: unknown, more: Record<string, unknown> = {}) {
  return { type: GRANT_TYPE, actions, topics, ...more };
}
