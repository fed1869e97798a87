/** APNs: sends one delivery to Apple ("Sending notification requests to APNs"), as a notification in the background. */
import { Buffer } from "node:buffer";
import type { ApnsCredentials } from "../config/vendors.ts";
import { CarillonError } from "../errors.ts";
import type { Delivery } from "../model/delivery.ts";
import { REFRESH_INTERVAL } from "../model/subscription.ts";
import type { Handed, Offer, Target, Transport } from "../model/transport.ts";
import { readApnsAnswer } from "./apns_answers.ts";
import { createProviderTokens } from "./provider_tokens.ts";
import { replacedBy, ttlOf } from "./push_headers.ts";
import { createVendor, type VendorDeps } from "./vendor.ts";

/** Names it in the messages of CC/CD 70025: where it is defined. */
export const APNS = "https://developer.apple.com/documentation/usernotifications";

/** Bytes of a notification's payload. */
export const MAX_PAYLOAD = 4096;

/** Hexadecimal digits of a device token: Apple's have 32 bytes and may have more. */
const MIN_DIGITS = 64, MAX_DIGITS = 200;

const SCHEME = "apns:";
const DEVICE = new RegExp(`^(?:[0-9a-f]{2}){${MIN_DIGITS / 2},${MAX_DIGITS / 2}}$`);

/** Before what the message has besides its opening brace: no alert, no sound, no badge. */
const HEAD = Buffer.from('{"aps":{"content-available":1},');

export function createApns({ credentials, ...deps }: VendorDeps & { credentials: ApnsCredentials }): Transport {
  const { server, topic, keyId } = credentials, { clock } = deps;
  const tokens = createProviderTokens(credentials, clock);

  function toRequest(delivery: Delivery, text: Uint8Array, token: string) {
    const now = clock.now(), body = Buffer.concat([HEAD, text.subarray(1)]), collapseId = replacedBy(delivery);
    const headers = {
      authorization: token,
      "apns-topic": topic,
      "apns-push-type": "background",
      // Of what is in the background alone, 10 is an error.
      "apns-priority": "5",
      "apns-expiration": `${Math.floor(now / 1000) + ttlOf(delivery.until, now)}`,
      ...(collapseId !== undefined && { "apns-collapse-id": collapseId }),
      "content-type": "application/json",
      "content-length": `${body.byteLength}`,
    };
    return { address: `${server}/3/device/${deviceOf(delivery.subscriber.address)}`, headers, body };
  }

  const vendor = { offer: offerOf(credentials), server, account: keyId, setting: "CARILLON_APNS", tokens, toRequest };
  return createVendor({ ...vendor, read: readApnsAnswer }, deps);
}

function offerOf({ topic, server }: ApnsCredentials): Offer {
  return {
    name: "apns",
    uri: APNS,
    // Of what is in the background alone iOS lets through two or three an hour.
    latency: "minutes",
    reachesClosed: true,
    refreshInterval: REFRESH_INTERVAL,
    limits: { addressBytes: MAX_DIGITS, messageBytes: MAX_PAYLOAD },
    data: { "apns-topic": topic, server },
    readTarget,
  };
}

/** `endpoint` is a device token, hexadecimal. Never says it: whoever has it and our key can push. */
function readTarget({ endpoint, keys = {} }: Handed): Target {
  const device = endpoint.toLowerCase();
  if (!DEVICE.test(device)) {
    const fault = `it is not ${MIN_DIGITS} to ${MAX_DIGITS} hexadecimal digits`;
    throw new CarillonError("bad_address", `a device token was refused: ${fault}`);
  }
  if (Object.keys(keys).length > 0) throw new CarillonError("bad_request", "keys were refused: APNs has none");
  return { transport: "apns", address: SCHEME + device, keys: {}, vapidKey: "" };
}

/** What was stored is checked again: it becomes part of a path. */
function deviceOf(address: string): string {
  const device = address.slice(SCHEME.length);
  if (!address.startsWith(SCHEME) || !DEVICE.test(device)) throw new Error("the address is no device token");
  return device;
}
