/** A request to a push service, read as a push service and the user agent behind it do. */
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import type { UserAgent } from "./push_user_agent.ts";
import { checkVapid, type Vapid } from "./vapid_check.ts";

export type Incoming = IncomingMessage | Http2ServerRequest;

/** `vapidKey`: restricted to it (RFC 8292 4). `ended`: 410 from now on. */
export type Subscribed = UserAgent & { vapidKey?: string; ended?: boolean };

/** One whose form is good: whose body was decrypted, and whose VAPID was checked. */
export type PushRequest = {
  path: string;
  method: string;
  httpVersion: string;
  headers: IncomingHttpHeaders;
  /** Names and values as they came, one after the other. */
  rawHeaders: string[];
  body: Uint8Array;
  text: string;
  vapid: Vapid;
};

/** What a push service answers to a request that it does not take. */
export class Refused extends Error {
  constructor(readonly status: number, reason: string) {
    super(reason);
  }
}

/** Throws `Refused`, as RFC 8030 and RFC 8292 have it. */
export function readPushRequest(
  { url: path = "", method = "", httpVersion, headers, rawHeaders }: Incoming,
  body: Uint8Array,
  { subscriptions, now }: { subscriptions: Map<string, Subscribed>; now: number },
): PushRequest {
  const subscribed = subscriptions.get(path);
  if (!subscribed) throw new Refused(404, "there is no such subscription");
  if (subscribed.ended) throw new Refused(410, "the subscription has ended");
  if (method !== "POST" || !/^\d+$/.test(headers.ttl as string)) throw new Refused(400, "no POST, or no TTL");
  if (body.byteLength > 4096) throw new Refused(413, "more than 4,096 bytes");
  const vapid = readVapid(headers, subscribed, now);
  return { path, method, httpVersion, headers, rawHeaders, body, text: decrypt(subscribed, body), vapid };
}

function readVapid(
  { authorization, host, ":authority": authority }: IncomingHttpHeaders,
  { vapidKey }: Subscribed,
  now: number,
): Vapid {
  if (authorization === undefined) throw new Refused(401, "no VAPID");
  try {
    const vapid = checkVapid(authorization, { audience: `https://${authority ?? host}`, now });
    if (vapidKey === undefined || vapid.k === vapidKey) return vapid;
  } catch (thrown) {
    throw new Refused(403, `${thrown}`);
  }
  throw new Refused(403, "it is restricted to another key");
}

function decrypt(subscribed: Subscribed, body: Uint8Array): string {
  try {
    return subscribed.decrypt(body);
  } catch (thrown) {
    throw new Refused(400, `it is not for this user agent: ${thrown}`);
  }
}
