/** For operators: `/-/healthy`, `/-/ready`, `/-/metrics`. */
import type { Handler } from "hono";
import { CarillonError } from "../errors.ts";
import type { Metrics } from "../metrics.ts";
import { readToken } from "../access/credentials.ts";
import { type AdminHash, isAdminToken } from "./admin_token.ts";
import { missingToken } from "./bearer.ts";

/** The process runs and answers. */
export const healthyDoor: Handler = (c) => c.text("healthy\n");

/** The ring is filled, the database answers, and nothing is being drained: send requests here. */
export function readyDoor({ check, isDraining }: { check: () => Promise<void>; isDraining: () => boolean }): Handler {
  return async (c) => {
    if (isDraining()) throw new CarillonError("draining", "this worker takes no more requests");
    await check();
    return c.text("ready\n");
  };
}

/** `cookies`: whether the admin token may come as one. */
export function metricsDoor(
  { metrics, adminHash, cookies }: { metrics: Metrics; adminHash: AdminHash; cookies: boolean },
): Handler {
  return async (c) => {
    const token = readToken(c, { origins: new Set(), cookies });
    if (token === undefined) throw missingToken();
    if (!isAdminToken(token, await adminHash())) throw wrongToken();
    return c.body(await metrics.registry.metrics(), 200, { "content-type": metrics.registry.contentType });
  };
}

function wrongToken(): CarillonError {
  const challenge = { "www-authenticate": 'Bearer error="invalid_token"' };
  return new CarillonError(
    "invalid_token",
    "the admin token was refused: deno task token --admin makes a new one",
    challenge,
  );
}
