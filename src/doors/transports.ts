/** `GET /-/transports`: how we can reach a client, and what it must know to subscribe. Public, as the key is. */
import type { Handler } from "hono";
import { MAX_OWNED } from "../access/quotas.ts";
import { hubLink } from "./discovery.ts";
import { MAX_ADDRESS, MAX_TOPICS, REFRESH_INTERVAL, WEB_PUSH } from "../model/subscription.ts";

/** The key changes rarely, seconds. */
const MAX_AGE = 300;

export function transportsDoor({ vapidKey, hubUrl }: { vapidKey: string; hubUrl: string }): Handler {
  const limits = { topics: MAX_TOPICS, endpointBytes: MAX_ADDRESS, subscriptions: MAX_OWNED };
  const webPush = { uri: WEB_PUSH, vapidPublicKey: vapidKey, refreshInterval: REFRESH_INTERVAL, limits };
  const headers = { "cache-control": `public, max-age=${MAX_AGE}`, link: hubLink(hubUrl) };
  return (c) => c.json({ transports: [webPush] }, 200, headers);
}
