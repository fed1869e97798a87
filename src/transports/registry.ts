/** Every transport that there is. Adding one is a file that makes it, and a line here. */
import type { ApnsCredentials, FcmCredentials } from "../config/vendors.ts";
import type { Transport as Name } from "../model/subscription.ts";
import type { Transport } from "../model/transport.ts";
import { createApns } from "./apns.ts";
import { createFcm } from "./fcm.ts";
import { createWebhook, type WebhookDeps } from "./webhook.ts";
import { createWebPush, type WebPushDeps } from "./webpush.ts";

export type TransportDeps = WebPushDeps & WebhookDeps & {
  apns: ApnsCredentials | undefined;
  fcm: FcmCredentials | undefined;
};

/** Undefined: its operator has not set it up. */
type Create = (deps: TransportDeps) => Transport | undefined;

/** In the order in which clients are offered them. */
const TRANSPORTS: Record<Name, Create> = {
  "web-push": createWebPush,
  webhook: createWebhook,
  apns: ({ apns, ...deps }) => apns && createApns({ ...deps, credentials: apns }),
  fcm: ({ fcm, ...deps }) => fcm && createFcm({ ...deps, credentials: fcm }),
};

/** The setting without which a transport is not offered. */
const SETTINGS: Partial<Record<Name, string>> = { apns: "CARILLON_APNS", fcm: "CARILLON_FCM" };

export const NAMES = Object.keys(TRANSPORTS) as Name[];

/** Those that this worker offers and sends by; why not the others is logged. */
export function openTransports(deps: TransportDeps): Transport[] {
  return NAMES.flatMap((name) => {
    const transport = TRANSPORTS[name](deps);
    if (!transport) {
      deps.log.info("{transport} is not offered: {setting} is not set", { transport: name, setting: SETTINGS[name] });
    }
    return transport ?? [];
  });
}
