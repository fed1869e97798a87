/** A proxy's limit of bodies: the largest Security Event Token arrives. It holds nothing, so that the worker refuses it. */
import { MAX_SET_BYTES } from "../../src/doors/events.ts";
import type { Deployment } from "./deployment.ts";
import { readRefusal } from "./refusal.ts";
import { fail, ok, type Verdict } from "./verdict.ts";

export async function checkBodies({ request }: Deployment): Promise<Verdict> {
  const headers = { "content-type": "application/secevent+jwt", accept: "application/json" };
  const response = await request("/-/events", { method: "POST", headers, body: "x".repeat(MAX_SET_BYTES) });
  const { code, detail, status, advice } = await readRefusal(response);
  if (code === "invalid_request") return ok(`a body of ${MAX_SET_BYTES / 1024} KiB arrives`);
  const measured = `a body of ${MAX_SET_BYTES / 1024} KiB was refused: ${detail}`;
  return fail(measured, status === 413 ? "Raise the proxy's limit: client_max_body_size 1m in nginx." : advice);
}
