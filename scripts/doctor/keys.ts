/** Web Push: the key that browsers subscribe with is there, and is a point of P-256 (RFC 8292 3.2). */
import { CarillonError } from "../../src/errors.ts";
import { WEB_PUSH } from "../../src/model/subscription.ts";
import { readPoint } from "../../src/wire/push_keys.ts";
import { shorten } from "../lib/visible.ts";
import type { Deployment } from "./deployment.ts";
import { refused } from "./refusal.ts";
import { fail, ok, type Verdict } from "./verdict.ts";

const MAX_URI = 100;

const VAPID = "Set CARILLON_VAPID_KEY to a private JWK of P-256, or unset it, and start the worker anew.";

export async function checkKeys({ request }: Deployment): Promise<Verdict> {
  const response = await request("/-/transports");
  if (!response.ok) return await refused("the list of transports", response);
  const { transports } = Object(await response.json().catch(() => undefined));
  const offers = [transports ?? []].flat().map((offer) => Object(offer));
  const key = offers.find(({ uri }) => uri === WEB_PUSH)?.vapidPublicKey;
  if (!isPoint(key)) return fail("Web Push is offered without a VAPID key", VAPID);
  const uris = offers.map(({ uri }) => shorten(typeof uri === "string" ? uri : "", MAX_URI));
  return ok(`the VAPID key is there; offered are ${uris.join(", ")}`);
}

/** As RFC 8292 3.2 writes it: in base64url without padding. */
function isPoint(key: unknown): boolean {
  try {
    return readPoint("vapid", `${key}`) === key;
  } catch (thrown) {
    if (thrown instanceof CarillonError) return false;
    throw thrown;
  }
}
