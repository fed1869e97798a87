/** What the benches send: signed as the commands sign, by the local issuer. */
import { signAccessToken } from "../lib/access_token.ts";
import { signSecurityEvent } from "../lib/security_event.ts";
import { signerOf } from "../lib/signer.ts";
import type { BenchWorker } from "./worker.ts";

/** Seconds; longer than any bench. */
const TOKEN_LIFE = 7_200;

/** A SET that reports one content change of each topic. */
export async function signSet({ url, local }: BenchWorker, topics: string[]): Promise<string> {
  const timestamp = new Date().toISOString();
  return await signSecurityEvent(signerOf(local), url, topics.map((topic) => ({ topic, timestamp })));
}

/** An access token for every topic; `sub` is an owner of subscriptions. */
export async function signAccess(
  { url, local }: BenchWorker,
  action: "publish" | "subscribe",
  sub?: string,
): Promise<string> {
  return await signAccessToken(signerOf(local), url, { [action]: ["*"] }, TOKEN_LIFE, sub);
}
