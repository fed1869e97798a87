/** `/-/ready`: the worker takes work, and its database answers. */
import type { Deployment } from "./deployment.ts";
import { readRefusal } from "./refusal.ts";
import { fail, ok, type Verdict } from "./verdict.ts";

export async function checkReady({ request, elapsed }: Deployment): Promise<Verdict> {
  const began = elapsed(), response = await request("/-/ready");
  if (response.ok) return await response.body?.cancel(), ok(`ready, in ${Math.round(elapsed() - began)} ms`);
  const { code, detail, advice } = await readRefusal(response);
  return fail(`it is not ready: ${detail}`, adviceOn(code) ?? advice);
}

function adviceOn(code: string | undefined): string | undefined {
  if (code?.startsWith("kv_")) {
    return "See that the database of CARILLON_KV runs and its disk is not full; the worker goes on by itself then.";
  }
  return code === "draining" ? "It is going away: wait until the next one has started." : undefined;
}
