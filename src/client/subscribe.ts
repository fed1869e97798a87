/** Subscribing to a push service (RFC 8030 4). */
import { ReceiverError } from "./receiver_error.ts";
import { discard, type Effects, request } from "./request.ts";

const PUSH = "urn:ietf:params:push";

/** Capability URLs: whoever knows `subscription` reads, whoever knows `endpoint` sends. */
export type Resources = { subscription: string; endpoint: string };

export type Wanted = {
  /** The push service's origin, such as `https://push.example.com`. */
  url: string;
  /** An access token with a subject. */
  token: string;
  /** The one key that may push (RFC 8292 4.1): an uncompressed point, base64url. */
  vapid?: string;
};

/** Makes a subscription. Throws `refused`, `gone` where there is no push service, `unavailable` or `malformed`. */
export async function subscribe(effects: Effects, { url, token, vapid }: Wanted): Promise<Resources> {
  const address = new URL("/-/push/subscribe", url).href;
  const headers = {
    authorization: `Bearer ${token}`,
    ...(vapid && { "content-type": "application/webpush-options+json" }),
  };
  const body = vapid && JSON.stringify({ vapid });
  const response = await request(effects, address, { method: "POST", headers, body }, [201]);
  await discard(response);
  return readResources(response.headers, address);
}

function readResources(headers: Headers, address: string): Resources {
  const subscription = resolve(headers.get("location"), address);
  const endpoint = resolve(findLink(headers.get("link") ?? "", PUSH), address);
  if (subscription && endpoint) return { subscription, endpoint };
  throw new ReceiverError("malformed", "the answer of the push service names no subscription and push resource");
}

/** One parameter of a link: its name, and its value, quoted or bare (RFC 8288 3). */
const PARAMETER = /\s*;\s*([\w*-]+)\s*=\s*(?:"([^"]*)"|([^\s",;]+))/g;
const LINK = new RegExp(`<([^>]*)>((?:${PARAMETER.source})*)`, "g");

/** The target of the link with a relation (RFC 8288 3.3). */
export function findLink(field: string, relation: string): string | undefined {
  for (const [, target, parameters] of field.matchAll(LINK)) {
    const rel = [...parameters!.matchAll(PARAMETER)].find(([, name]) => name!.toLowerCase() === "rel");
    if ((rel?.[2] ?? rel?.[3] ?? "").split(/\s+/).includes(relation)) return target;
  }
  return undefined;
}

function resolve(target: string | null | undefined, address: string): string | undefined {
  return typeof target === "string" && URL.canParse(target, address) ? new URL(target, address).href : undefined;
}
