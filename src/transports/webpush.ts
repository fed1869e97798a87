/** Web Push: sends one delivery to a push service (RFC 8030), encrypted (RFC 8291) and signed (RFC 8292). */
import type { Logger } from "@logtape/logtape";
import type { Clock } from "../clock.ts";
import type { Delivery, Outcome } from "../model/delivery.ts";
import { MAX_ADDRESS, type PushKeys, REFRESH_INTERVAL, WEB_PUSH } from "../model/subscription.ts";
import type { Handed, Target, Transport } from "../model/transport.ts";
import { MAX_PLAINTEXT, paddedSize } from "../wire/aes128gcm.ts";
import { readPushKeys } from "../wire/push_keys.ts";
import { encrypt, encryptByLibrary, makeEphemeral } from "../wire/message_encryption.ts";
import type { VapidKey } from "../wire/vapid.ts";
import type { Egress } from "./egress.ts";
import { createEphemeralKeys, type MakeEphemeral } from "./ephemeral_keys.ts";
import { createInTurn } from "./in_turn.ts";
import { KEY_PAUSE } from "./key_breaker.ts";
import { createOrigins, type Sender } from "./origins.ts";
import { because, readReply, reasonOf, type Result } from "./outcome.ts";
import { createPlaintexts, printFor } from "./plaintexts.ts";
import { headersOf } from "./push_headers.ts";
import { createVapidTokens } from "./vapid_tokens.ts";

const UNKNOWN_KEY = "subscriptions name a VAPID key that is not ours any more: add it to CARILLON_VAPID_KEY again";

/** Keys or an address that registration would not have taken, or would not take any more. */
const BROKEN = "a subscription cannot be pushed to, its keys or address are not usable: check CARILLON_PUSH_HOSTS";

export type WebPushDeps = {
  egress: Egress;
  /** Ours, the first for new subscriptions; a subscription names its own. */
  keys: VapidKey[];
  contact: string;
  clock: Clock;
  random: () => number;
  log: Logger;
  make?: MakeEphemeral;
};

export function createWebPush(
  { egress, keys, contact, clock, random, log, make = makeEphemeral }: WebPushDeps,
): Transport {
  const vapidKey = keys[0]!.point;
  const byPoint = new Map(keys.map((key) => [key.point, key]));
  const origins = createOrigins({ clock, random, keyRefused }), inTurn = createInTurn(origins);
  const ephemerals = createEphemeralKeys(make);
  const authorize = createVapidTokens({ contact, clock });
  const print = createPlaintexts();
  const counts = { unknown_key: 0, blocked: 0, shortened: 0, broken: 0, ttl_cut: 0 };
  let strangerToldAt = -Infinity;

  /** Sends one delivery, and says what came of it. Never throws. */
  async function send(delivery: Delivery): Promise<Outcome> {
    const key = byPoint.get(delivery.subscriber.vapidKey);
    if (!key) return hold("unknown_key", UNKNOWN_KEY);
    try {
      const { address, confirmed } = delivery.subscriber, { origin } = egress.check(address);
      const sender = { origin, endpoint: address, key: key.point, confirmed };
      return await inTurn(sender, async () => await push(delivery, await authorize(origin, key)));
    } catch {
      return hold("unusable", BROKEN);
    }
  }

  /** Until an operator has mended it, who is told once. */
  function hold(reason: "unknown_key" | "unusable", advice: string): Outcome {
    if (counts[reason === "unusable" ? "broken" : reason]++ === 0) log.error(advice);
    return { kind: "retry", at: clock.now() + KEY_PAUSE, tried: false, reason };
  }

  async function push(delivery: Delivery, authorization: string): Promise<Result> {
    const { subscriber, message } = delivery;
    const post = async (plaintext: Uint8Array) => {
      const body = await seal(plaintext, subscriber.keys as PushKeys);
      const headers = headersOf(delivery, { authorization, length: body.byteLength, now: clock.now() });
      const reply = await egress.post(subscriber.address, { headers, body });
      // RFC 8030 5.2: it tells how long it will really keep the message.
      if ("ttl" in reply && Number(reply.ttl) < Number(headers.ttl)) counts.ttl_cut++;
      return reply;
    };
    let reply = await post(print(subscriber, message));
    if ("status" in reply && reply.status === 413 && message) {
      counts.shortened++;
      reply = await post(printFor(subscriber, message, { smallest: true }));
    }
    if ("fault" in reply && reply.fault === "blocked") counts.blocked++;
    return because(readReply(reply, clock.now()), reasonOf(reply));
  }

  async function seal(plaintext: Uint8Array, keys: PushKeys): Promise<Uint8Array> {
    const ephemeral = await ephemerals.take();
    if (!ephemeral) return encryptByLibrary(plaintext, keys);
    const salt = crypto.getRandomValues(new Uint8Array(16));
    return await encrypt(plaintext, keys, { ephemeral, salt, size: paddedSize(plaintext.byteLength) });
  }

  // The origin's name is no secret: what follows it in an address is.
  function keyRefused({ origin, confirmed }: Sender): void {
    const advice = "check CARILLON_VAPID_KEY, CARILLON_CONTACT and the clock of this machine";
    if (confirmed) return log.error(`{origin} refuses our VAPID key: ${advice}`, { origin });
    // Strangers choose such origins: they must not fill the log.
    if (clock.elapsed() - strangerToldAt < KEY_PAUSE) return;
    strangerToldAt = clock.elapsed();
    log.warn(`{origin} refuses our VAPID key for a new subscription: if others do as well, ${advice}`, { origin });
  }

  function readTarget({ endpoint, keys: given }: Handed): Target {
    const { href: address } = egress.check(endpoint);
    return { transport: "web-push", address, keys: readPushKeys(given), vapidKey };
  }

  return {
    offer: {
      name: "web-push",
      uri: WEB_PUSH,
      latency: "seconds",
      reachesClosed: true,
      refreshInterval: REFRESH_INTERVAL,
      limits: { addressBytes: MAX_ADDRESS, messageBytes: MAX_PLAINTEXT },
      data: { "vapid-public-key": vapidKey },
      readTarget,
    },
    send,
    /** Makes keys ahead while nothing else is to do, forgets quiet push services. */
    tick(): void {
      ephemerals.tick();
      origins.tick();
    },
    stats: () => ({ ...origins.stats(), faults: { ...counts }, keysReady: ephemerals.ready() }),
    close: ephemerals.close,
  };
}
