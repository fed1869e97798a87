/** FCM: sends one delivery to Google (its HTTP v1 API, `projects.messages.send`), as a message of data alone. */
import type { FcmCredentials } from "../config/vendors.ts";
import { CarillonError } from "../errors.ts";
import { DEFAULT_PRIORITY } from "../model/change.ts";
import type { Delivery, Message } from "../model/delivery.ts";
import { MAX_ADDRESS, REFRESH_INTERVAL } from "../model/subscription.ts";
import type { Handed, Offer, Target, Transport } from "../model/transport.ts";
import { createAccessTokens } from "./access_tokens.ts";
import { readFcmAnswer } from "./fcm_answers.ts";
import { ttlOf } from "./push_headers.ts";
import { createVendor, type VendorDeps } from "./vendor.ts";

/** Names it in the messages of CC/CD 70025: where it is defined. */
export const FCM = "https://firebase.google.com/docs/cloud-messaging";

/** Bytes of a message's data, the name of each entry counted. */
export const MAX_DATA = 4096;

const SCHEME = "fcm:";
const MAX_TOKEN = MAX_ADDRESS - SCHEME.length;

/** Google promises nothing of its form: what stands in a URL as it is, and no shorter than any secret. */
const TOKEN = new RegExp(`^[\\w.~:=+-]{32,${MAX_TOKEN}}$`);

/** What the message has around the value of its one member. */
const BEFORE = '{"push":', AFTER = "}";

/** The importance that may wake a device that sleeps: whoever uses it too often is throttled by Android. */
const HIGH = 75;

export function createFcm({ credentials, ...deps }: VendorDeps & { credentials: FcmCredentials }): Transport {
  const { server, projectId, clientEmail } = credentials;
  const address = `${server}/v1/projects/${projectId}/messages:send`;
  const tokens = createAccessTokens({ ...deps, credentials });

  function toRequest(delivery: Delivery, text: Uint8Array, authorization: string) {
    const body = new TextEncoder().encode(JSON.stringify({ message: describe(delivery, text, deps.clock.now()) }));
    const headers = { authorization, "content-type": "application/json", "content-length": `${body.byteLength}` };
    return { address, headers, body };
  }

  const vendor = { offer: offerOf(credentials), server, account: clientEmail, setting: "CARILLON_FCM", tokens };
  return createVendor({ ...vendor, toRequest, read: readFcmAnswer }, deps);
}

/**
 * Without a `collapse_key`: of messages that have one FCM keeps four for a device, any four, and a client with more
 * topics would never hear of the others. Without it keeps a hundred, and beyond them tells the client (`onDeletedMessages`).
 */
function describe({ subscriber, message, until }: Delivery, text: Uint8Array, now: number) {
  return {
    token: tokenOf(subscriber.address),
    data: { push: new TextDecoder().decode(text).slice(BEFORE.length, -AFTER.length) },
    android: { priority: priorityOf(message), ttl: `${ttlOf(until, now)}s` },
  };
}

function priorityOf(message: Message): "HIGH" | "NORMAL" {
  return (message?.merged.priority ?? DEFAULT_PRIORITY) >= HIGH ? "HIGH" : "NORMAL";
}

function offerOf({ projectId }: FcmCredentials): Offer {
  return {
    name: "fcm",
    uri: FCM,
    latency: "seconds",
    reachesClosed: true,
    refreshInterval: REFRESH_INTERVAL,
    limits: { addressBytes: MAX_TOKEN, messageBytes: MAX_DATA },
    data: { "project-id": projectId },
    readTarget,
  };
}

/** `endpoint` is a registration token. Never says it: whoever has it and our account can push. */
function readTarget({ endpoint, keys = {} }: Handed): Target {
  if (!TOKEN.test(endpoint)) {
    const fault = `it is not 32 to ${MAX_TOKEN} letters, digits or . ~ : = + - _`;
    throw new CarillonError("bad_address", `a registration token was refused: ${fault}`);
  }
  if (Object.keys(keys).length > 0) throw new CarillonError("bad_request", "keys were refused: FCM has none");
  return { transport: "fcm", address: SCHEME + endpoint, keys: {}, vapidKey: "" };
}

/** What was stored is checked again. */
function tokenOf(address: string): string {
  const token = address.slice(SCHEME.length);
  if (!address.startsWith(SCHEME) || !TOKEN.test(token)) throw new Error("the address is no registration token");
  return token;
}
