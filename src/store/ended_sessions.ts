/** Sessions of the console that were ended before their time: each is kept until then, by its hash. */
import { shortHash } from "../model/short_hash.ts";
import { withDeadline } from "./deadline.ts";

const endedKey = (session: string) => ["ended_session", shortHash("session", session)];

/** `left`: milliseconds until it would end by itself; KV forgets it no sooner. */
export async function endSession(kv: Deno.Kv, session: string, left: number): Promise<void> {
  await withDeadline("ending a session", kv.set(endedKey(session), 0, { expireIn: left }));
}

export async function isEnded(kv: Deno.Kv, session: string): Promise<boolean> {
  const { versionstamp } = await withDeadline("reading a session", kv.get(endedKey(session)));
  return versionstamp !== null;
}
