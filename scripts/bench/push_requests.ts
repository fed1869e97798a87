/** Pushes of the bench: subscriptions that are restricted by VAPID, and the bytes of requests to them. */
import { exportJWK, generateKeyPair } from "jose";
import { importVapidKey, printVapid, type VapidKey } from "../../src/wire/vapid.ts";
import { printRequest } from "./keep_alive.ts";
import { signAccess } from "./tokens.ts";
import type { BenchWorker } from "./worker.ts";

/** Bytes of a message of 128 bytes, encrypted: the smallest that Carillon sends. */
const BODY = 128 + 103;

/** Whose key may push, and as what: an `Authorization`, for as long as any bench. */
export type Sender = { key: VapidKey; authorization: string };

/** Paths of the worker. */
export type Resources = { subscription: string; push: string };

export async function makeSender(worker: BenchWorker): Promise<Sender> {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const key = await importVapidKey(await exportJWK(privateKey));
  const claims = { audience: worker.url, contact: "mailto:bench@example.com", now: Date.now() };
  return { key, authorization: await printVapid(key, claims) };
}

/** So many subscriptions of one owner that take messages of this sender alone. */
export async function subscribeMany(worker: BenchWorker, { key }: Sender, count: number): Promise<Resources[]> {
  const token = await signAccess(worker, "subscribe", "push-bench");
  const made: Resources[] = [];
  while (made.length < count) made.push(await subscribe(worker, token, key.point));
  return made;
}

async function subscribe(worker: BenchWorker, token: string, vapid: string): Promise<Resources> {
  const response = await fetch(`${worker.url}/-/push/subscribe`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/webpush-options+json" },
    body: JSON.stringify({ vapid }),
  });
  await response.body?.cancel();
  const push = /<([^>]*)>; rel="urn:ietf:params:push"/.exec(response.headers.get("link") ?? "")?.[1];
  if (response.status !== 201 || !push) throw new Error(`a subscription was refused: ${response.status}`);
  return { subscription: new URL(response.headers.get("location")!).pathname, push: new URL(push).pathname };
}

/** The bytes of one push of random ones, as if encrypted. */
export function printPush(path: string, authorization: string, more: Record<string, string> = {}): Uint8Array {
  const body = crypto.getRandomValues(new Uint8Array(BODY));
  const head = printRequest("POST", path, {
    TTL: "3600",
    Authorization: authorization,
    "Content-Encoding": "aes128gcm",
    "Content-Length": `${BODY}`,
    ...more,
  });
  return new Uint8Array([...head, ...body]);
}
