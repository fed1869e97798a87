/** Our own push service as those see it who use it: whoever subscribes, reads and pushes. */
import { SignJWT } from "jose";
import { readLink } from "../../src/wire/push_resource.ts";
import type { VapidKey } from "../../src/wire/vapid.ts";
import { equal } from "./assert.ts";
import { openStream } from "./event_source.ts";
import type { LocalIssuer } from "../../src/store/keys.ts";
import { accessToken } from "./worker.ts";

export type Told = {
  id: string;
  message: string;
  status?: number;
  encoding?: string;
  urgency?: string;
  topic?: string;
  ttl?: number;
  body?: string;
};

export type Resource = { subscription: string; push: string; set: string };

type Asked = { vapid?: string; set?: string; sub?: string };

/** Subscribes as RFC 8030 4 says. */
export async function subscribe(
  worker: { url: string; local: LocalIssuer },
  { vapid, set, sub = "reader" }: Asked = {},
): Promise<Resource> {
  const token = await accessToken(worker, { claims: { sub } });
  const response = await fetch(`${worker.url}/-/push/subscribe`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${token}`,
      ...(vapid !== undefined && { "content-type": "application/webpush-options+json" }),
      ...(set !== undefined && { link: `<${set}>; rel="urn:ietf:params:push:set"` }),
    },
    ...(vapid !== undefined && { body: JSON.stringify({ vapid }) }),
  });
  const text = await response.text(), link = response.headers.get("link")!;
  equal(response.status, 201, text);
  return {
    subscription: response.headers.get("location")!,
    push: readLink(link, "urn:ietf:params:push")!,
    set: readLink(link, "urn:ietf:params:push:set")!,
  };
}

/** Subscribes to receipts, as RFC 8030 5.1 says, and answers the fields by which a push asks for one. */
export async function askReceipts(worker: { url: string; local: LocalIssuer }) {
  const token = await accessToken(worker, { claims: { sub: "sender" } });
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${worker.url}/-/push/receipt`, { method: "POST", headers });
  await response.body?.cancel();
  equal(response.status, 201);
  const receipts = response.headers.get("location")!;
  return { receipts, asked: { prefer: "respond-async", "push-receipt": `<${receipts}>` } };
}

/** Pushes; a header that is undefined is left out. */
export async function push(
  to: string,
  body: string | Uint8Array<ArrayBuffer> = "hello",
  headers: Record<string, string | undefined> = {},
) {
  const sent = Object.entries({ ttl: "60", "content-encoding": "aes128gcm", ...headers });
  const response = await fetch(to, {
    method: "POST",
    body,
    headers: Object.fromEntries(sent.filter((entry): entry is [string, string] => entry[1] !== undefined)),
  });
  const text = await response.text();
  const code = text === "" ? undefined : (JSON.parse(text) as { code?: string }).code;
  return { status: response.status, code, headers: response.headers, location: response.headers.get("location")! };
}

/** Reads a subscription, a set or receipts. */
export async function listen(resource: string, { query = "", headers = {} } = {}) {
  const stream = await openStream(resource, query, undefined, headers);
  const told = () => stream.events.map(({ id, data }): Told => ({ id, ...JSON.parse(data) }));
  return {
    ...stream,
    told,
    texts: () => told().map(({ body }) => atob(body!.replaceAll("-", "+").replaceAll("_", "/"))),
  };
}

/** `Authorization` of a sender (RFC 8292), good for an hour at this origin, unless it says otherwise. */
export async function vapidFor(
  { point, privateKey }: VapidKey,
  audience: string,
  { expires = 3600, k = point }: { expires?: number; k?: string } = {},
): Promise<string> {
  const exp = Math.floor(Date.now() / 1000) + expires;
  const token = await new SignJWT({ aud: audience, exp, sub: "mailto:a@b.example" })
    .setProtectedHeader({ typ: "JWT", alg: "ES256" }).sign(privateKey);
  return `vapid t=${token}, k=${k}`;
}
