/**
 * A receiver of Web Push for who has none: it subscribes at a push service (RFC 8030), gives out what a `PushSubscription`
 * would, and reads what is sent there. For browsers, Deno and Node 20 or later; it needs fetch, WebCrypto and Web Streams.
 */
import { importKeys, type KeptKeys, makeKeys, publicKeys } from "./keys.ts";
import { listen, type Listener, type Place } from "./listen.ts";
import { type Pace, systemPace } from "./pace.ts";
import { ReceiverError } from "./receiver_error.ts";
import { discard, type Effects, type Fetch, request, systemFetch } from "./request.ts";
import { type Resources, subscribe, type Wanted } from "./subscribe.ts";

export { type Message, URGENCIES, type Urgency } from "./message.ts";
export { ReceiverError, type ReceiverErrorCode } from "./receiver_error.ts";
export type { KeptKeys } from "./keys.ts";
export type { Listener } from "./listen.ts";
export type { Pace } from "./pace.ts";

/** What a test, or a runtime with a way out of its own, brings along. */
export type Given = { fetch?: Fetch; pace?: Pace };

export type Options = Wanted & Given & {
  /** Those of an earlier receiver; new ones where they are left out. */
  keys?: KeptKeys;
};

/** All that goes on after a restart. Keep it as you keep a password: it reads the messages. */
export type Exported = Resources & { keys: KeptKeys; last?: Place["last"] };

/** As `PushSubscription.toJSON()` (Push API 8.2): what to hand to whoever is to send. */
export type SubscriptionJson = { endpoint: string; expirationTime: null; keys: { p256dh: string; auth: string } };

export type Receiver = {
  subscription: SubscriptionJson;
  export: () => Exported;
  /** Reads until the signal aborts. Throws `gone` when the subscription has ended, `refused`, or `already_listening`. */
  listen: (listener: Listener) => Promise<void>;
  /** Ends the subscription (RFC 8030 7.3), also where it has ended already. Throws `refused` or `unavailable`. */
  end: () => Promise<void>;
};

/** Subscribes. Throws `refused`, `gone`, `unavailable`, `malformed` or `bad_keys`. */
export async function createReceiver({ url, token, vapid, keys, ...given }: Options): Promise<Receiver> {
  const kept = keys ?? await makeKeys();
  await importKeys(kept);
  const resources = await subscribe(effectsOf(given), { url, token, vapid });
  return await resumeReceiver({ ...resources, keys: kept }, given);
}

/** Goes on with what `export` answered, without asking anybody. Throws `bad_keys`. */
export async function resumeReceiver(
  { keys: kept, last, ...resources }: Exported,
  given: Given = {},
): Promise<Receiver> {
  const { subscription, endpoint } = resources, effects = effectsOf(given), keys = await importKeys(kept);
  const place: Place = { ...(last && { last }), taken: new Set() };
  let isListening = false;

  async function listenAlone(listener: Listener): Promise<void> {
    if (isListening) throw new ReceiverError("already_listening", "the receiver listens already");
    isListening = true;
    await listen({ ...effects, keys, subscription, place }, listener).finally(() => isListening = false);
  }

  return {
    subscription: { endpoint, expirationTime: null, keys: publicKeys(keys) },
    export: () => ({ subscription, endpoint, keys: kept, ...(place.last && { last: place.last }) }),
    listen: listenAlone,
    end: async () => discard(await request(effects, subscription, { method: "DELETE" }, [204, 404, 410])),
  };
}

function effectsOf({ fetch = systemFetch, pace = systemPace }: Given): Effects {
  return { fetch, pace };
}
