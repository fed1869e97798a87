/** Web Push of the browser: the service worker hears it, and relays it to the pages. */
import { fromBase64Url, toBase64Url } from "../base64url.ts";
import type { SubscriptionJson } from "../receiver.ts";
import { ReceiverError } from "../receiver_error.ts";
import type { Pace } from "../pace.ts";
import type { Channel, Hearing, Transport } from "./transport.ts";

/** What is used of `PushSubscription`, `PushManager` and `ServiceWorkerRegistration` (Push API 6 to 8). */
type Subscription = {
  options: { applicationServerKey: ArrayBuffer | null };
  toJSON: () => { endpoint?: string; keys?: Record<string, string> };
  unsubscribe: () => Promise<boolean>;
};
type Wanted = { userVisibleOnly: boolean; applicationServerKey: Uint8Array<ArrayBuffer> };
type Registration = {
  scope: string;
  pushManager?: {
    permissionState: (wanted: Wanted) => Promise<string>;
    getSubscription: () => Promise<Subscription | null>;
    subscribe: (wanted: Wanted) => Promise<Subscription>;
  };
};

/** `current` is the endpoint of the subscription that the browser has now. */
type Checked = { current: () => Promise<string | undefined>; pace: Pace };

/** Milliseconds between two questions whether the subscription is still there. */
const CHECK = 3_600_000;

/** What the service worker says to the pages. */
type Relayed = { text: string } | { ended: true };

const nameOf = (scope: string) => `carillon push ${scope}`;

/**
 * A transport for pages with a service worker of their own: whoever subscribed it by another key is unsubscribed. The user
 * is never asked: without the permission that the app asked for, it is left out.
 */
export function webPush(find: () => Promise<unknown> = findRegistration): Transport {
  return async ({ vapidKey }, pace) => {
    const registration = await find() as Registration | undefined, { pushManager } = registration ?? {};
    if (!registration || !pushManager || vapidKey === undefined) return undefined;
    const wanted = { userVisibleOnly: true, applicationServerKey: fromBase64Url(vapidKey)! };
    if (await pushManager.permissionState(wanted) !== "granted") return undefined;
    const found = await pushManager.getSubscription();
    const isSame = found && keyOf(found) === vapidKey.replace(/=+$/, "");
    if (found && !isSame) await found.unsubscribe();
    const subscription = isSame ? found : await pushManager.subscribe(wanted);
    const current = async () => (await pushManager.getSubscription())?.toJSON().endpoint;
    return channelOf(subscription, registration.scope, { current, pace });
  };
}

function keyOf({ options: { applicationServerKey: key } }: Subscription): string {
  return key ? toBase64Url(new Uint8Array(key)) : "";
}

async function findRegistration(): Promise<unknown> {
  const { serviceWorker } = (globalThis as { navigator?: { serviceWorker?: { getRegistration: () => unknown } } })
    .navigator ?? {};
  return await serviceWorker?.getRegistration();
}

function channelOf(subscription: Subscription, scope: string, { current, pace }: Checked): Channel {
  const { endpoint = "", keys = {} } = subscription.toJSON();
  const json: SubscriptionJson = { endpoint, expirationTime: null, keys: { p256dh: keys.p256dh!, auth: keys.auth! } };
  /** Browsers take a subscription away, or another one comes in its place, and not every one says so. */
  async function checkUntil(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      // Where a browser does not answer it may be there.
      if (await current().catch(() => endpoint) !== endpoint) throw ended();
      await pace.wait(CHECK, signal);
    }
  }

  return {
    transport: "web-push",
    subscription: json,
    lasts: true,
    hear: (hearing) => hear(nameOf(scope), hearing, checkUntil),
    end: async () => void await subscription.unsubscribe(),
  };
}

const ended = () => new ReceiverError("gone", "the push subscription has ended");

/** The push service keeps what comes while no page is there to hear it. */
async function hear(
  name: string,
  { signal, onOpen, onMessage }: Hearing,
  check: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const channel = new BroadcastChannel(name), over = new AbortController();
  try {
    await new Promise<void>((resolve, reject) => {
      channel.onmessage = ({ data }: MessageEvent<Relayed>) => "ended" in data ? reject(ended()) : onMessage(data.text);
      onOpen();
      check(AbortSignal.any([signal, over.signal])).then(resolve, reject);
    });
  } finally {
    over.abort();
    channel.close();
  }
}

/**
 * For the service worker: passes its event `push`, or `pushsubscriptionchange`, on to the pages that watch. What the user
 * is shown is up to the service worker.
 */
export function relayPush(event: { type: string; data?: { text: () => string } | null }, scope: string): void {
  const channel = new BroadcastChannel(nameOf(scope));
  const relayed: Relayed = event.type === "push" ? { text: event.data?.text() ?? "" } : { ended: true };
  channel.postMessage(relayed);
  channel.close();
}
