/** Why a message was not taken, in words, with what an operator can do about it. */
import type { Transport } from "../model/subscription.ts";

/** By what was there instead of an answer, by status, else by its hundreds (RFC 9110 15); see `Outcome`. */
const WORDS: Record<string, string> = {
  network: "there is no connection; check that it runs, its name, and its certificate",
  timeout: "there is no answer in time; check that it runs, and how busy it is",
  blocked: "its name leads to an address that is not public; CARILLON_PUSH_HOSTS can trust it",
  unknown_key: "its VAPID key is not ours any more; add it to CARILLON_VAPID_KEY again",
  unusable: "its keys or address cannot be used; check CARILLON_SECRET and CARILLON_PUSH_HOSTS",
  no_token: "there is no token to send with; check CARILLON_FCM, and that Google can be reached",
  no_settings: "there are no settings for it any more; set CARILLON_APNS or CARILLON_FCM again",
  404: "nothing is there; check the address of who subscribed",
  408: "it is too slow, or has too much; it is left alone for a while",
  413: "it is too large for it, also at its shortest",
  429: "it has too much; it is left alone for as long as it asks",
  2: "it did not give the challenge back, as the README has it under Webhooks",
  3: "it leads elsewhere, which is not followed; subscribe with the new address",
  4: "it does not take this; its own log says why",
  5: "the fault is its own; its log says why",
};

/** Who refuses us is to know us by these. */
const KNOWN_BY: Record<Transport, string> = {
  "web-push": "it refuses us; check CARILLON_VAPID_KEY, CARILLON_CONTACT and the clock of this machine",
  webhook: "it refuses us; whoever runs it is to check the secret",
  apns: "it refuses us; check CARILLON_APNS and the clock of this machine",
  fcm: "it refuses us; check CARILLON_FCM and the clock of this machine",
};

/** A sentence without its point. What is said for a reason of another version is the reason itself. */
export function explain(transport: Transport, reason: string): string {
  const status = /^\d{3}\b/.exec(reason)?.[0];
  if (status === undefined) return wordsOf(reason) ?? reason;
  return `${reason}, ${
    isAboutUs(transport, status) ? KNOWN_BY[transport] : wordsOf(status, status[0]!) ?? "it was not taken"
  }`;
}

/** A vendor knows nobody but us: whatever else it refuses, it is for our account or its settings. */
function isAboutUs(transport: Transport, status: string): boolean {
  const isOfVendor = transport === "apns" || transport === "fcm";
  return isOfVendor ? /^4(?!08|13|29)/.test(status) : status === "401" || status === "403";
}

function wordsOf(...keys: string[]): string | undefined {
  const known = keys.find((key) => Object.hasOwn(WORDS, key));
  return known && WORDS[known];
}
