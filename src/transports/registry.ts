/** Every transport that there is. Adding one is a file that makes it, and a line here. */
import type { Transport } from "../model/transport.ts";
import { createWebhook, type WebhookDeps } from "./webhook.ts";
import { createWebPush, type WebPushDeps } from "./webpush.ts";

export type TransportDeps = WebPushDeps & WebhookDeps;

/** Undefined: its operator has not set it up. In the order in which clients are offered them. */
type Create = (deps: TransportDeps) => Transport | undefined;

const TRANSPORTS: Create[] = [createWebPush, createWebhook];

/** Those that this worker offers and sends by. */
export function openTransports(deps: TransportDeps): Transport[] {
  return TRANSPORTS.flatMap((create) => create(deps) ?? []);
}
