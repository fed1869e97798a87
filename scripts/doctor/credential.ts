/** Who rings: the bearer of a token, or whoever can sign one. */
import { HUB_PATH } from "../../src/app.ts";
import { signAccessToken } from "../lib/access_token.ts";
import { signSecurityEvent } from "../lib/security_event.ts";
import type { Signer } from "../lib/signer.ts";

/** A request that publishes `data` to the topic. */
export type Ringing = { path: string; init: RequestInit };

export type Credential = {
  /** An access token that may listen. */
  token: string;
  ring: (data: string) => Promise<Ringing> | Ringing;
};

/** Seconds. Short, so that a worker whose clock is ahead of ours shows it. */
const TOKEN_LIFE = 120;

/** A token that was given: it publishes by the Mercure protocol. */
export function bearerOf(token: string, topic: string): Credential {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/x-www-form-urlencoded" };
  return {
    token,
    ring: (data) => ({
      path: HUB_PATH,
      init: { method: "POST", headers, body: `${new URLSearchParams({ topic, data, private: "on" })}` },
    }),
  };
}

/** A key: it signs Security Event Tokens, as `deno task ring` does. */
export async function signerCredential(signer: Signer, url: string, topic: string): Promise<Credential> {
  const headers = { "content-type": "application/secevent+jwt", accept: "application/json" };
  return {
    token: await signAccessToken(signer, url, { subscribe: [topic] }, TOKEN_LIFE),
    ring: async (data) => {
      const message = { topic, timestamp: new Date().toISOString(), data };
      return {
        path: "/-/events",
        init: { method: "POST", headers, body: await signSecurityEvent(signer, url, [message]) },
      };
    },
  };
}
