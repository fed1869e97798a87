/** Security Event Tokens (RFC 8417) that report changes, pushed per RFC 8935. */
import { SignJWT } from "jose";
import { PUSH_EVENT } from "../../src/access/security_events.ts";
import type { Signer } from "./signer.ts";

/** A push message of CC/CD 70025, as src/wire/push_message.ts reads it. */
export type Message = {
  topic: string;
  timestamp: string;
  priority?: number;
  "client-id"?: string;
  "sync-token"?: string;
  data?: string;
};

export async function signSecurityEvent({ iss, alg, kid, key }: Signer, url: string, messages: Message[]) {
  return await new SignJWT({ events: { [PUSH_EVENT]: { messages } } })
    .setProtectedHeader({ alg, typ: "secevent+jwt", kid })
    .setIssuer(iss).setAudience(url).setIssuedAt().setJti(crypto.randomUUID()).sign(key);
}
