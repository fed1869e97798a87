/**
 * Webhooks (Standard Webhooks 1.0): posts one delivery, signed, to an address that has shown that it wants to be posted
 * to. Its schedule of retries is longer than that of push services, since whoever runs it may sleep.
 */
import type { Logger } from "@logtape/logtape";
import { Webhook } from "standardwebhooks";
import type { Clock } from "../clock.ts";
import { CarillonError } from "../errors.ts";
import type { Delivery, Outcome } from "../model/delivery.ts";
import { shortHash } from "../model/short_hash.ts";
import { type Keys, MAX_ADDRESS, REFRESH_INTERVAL } from "../model/subscription.ts";
import type { Handed, Target, Transport } from "../model/transport.ts";
import type { Egress, Reply } from "./egress.ts";
import { createInTurn } from "./in_turn.ts";
import { createOrigins } from "./origins.ts";
import { because, reasonOf, type Result } from "./outcome.ts";
import { createPlaintexts, printFor } from "./plaintexts.ts";
import { readWebhookReply } from "./webhook_answers.ts";

export const WEBHOOK = "https://www.standardwebhooks.com/";

/** Bytes of a message: a change has at most 48 KiB. */
const MAX_MESSAGE = 48 * 1024;

/** Milliseconds until one is tried again whose secret cannot be opened. */
const HELD = 10 * 60_000;

export type WebhookDeps = {
  egress: Egress;
  clock: Clock;
  random: () => number;
  log: Logger;
  /** Our own origins: to post to ourselves would go round for ever. */
  ownOrigins: string[];
  /** Encrypts what is kept. */
  seal: (secret: string) => Promise<string>;
  /** Decrypts it. Throws when it was made with another `CARILLON_SECRET`. */
  unseal: (sealed: string) => Promise<string>;
};

/** `whsec_` and base64 of 24 to 64 bytes. */
const SECRET = /^whsec_((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)$/;

export function createWebhook({ egress, clock, random, log, ownOrigins, seal, unseal }: WebhookDeps): Transport {
  const origins = createOrigins({ clock, random, keyRefused: () => {} }), inTurn = createInTurn(origins);
  const print = createPlaintexts();
  const counts = { blocked: 0, shortened: 0, broken: 0 };

  async function readTarget({ endpoint, keys = {} }: Handed): Promise<Target> {
    const url = egress.check(endpoint);
    if (ownOrigins.includes(url.origin)) throw refuse("bad_address", "its address is our own");
    const secrets = { secret: keys.secret, ...(keys.previous !== undefined && { previous: keys.previous }) };
    const sealed = await Promise.all(
      Object.entries(secrets).map(async ([name, secret]) => {
        checkSecret(name, secret);
        return [name, await seal(secret!)] as const;
      }),
    );
    return { transport: "webhook", address: url.href, keys: Object.fromEntries(sealed), vapidKey: "" };
  }

  /** Sends one delivery, and says what came of it. Never throws. */
  async function send(delivery: Delivery): Promise<Outcome> {
    try {
      const { id, address, confirmed, keys } = delivery.subscriber, { origin } = egress.check(address);
      const hooks = await openHooks(keys);
      // Anybody may name an address: until it has shown that it wants to be told, what it answers is about the asker.
      const endpoint = confirmed ? address : `${address} ${id}`;
      return await inTurn({ origin, endpoint, key: "", confirmed }, () => post(delivery, hooks));
    } catch {
      if (counts.broken++ === 0) {
        log.error("a webhook cannot be posted to: check CARILLON_SECRET and CARILLON_PUSH_HOSTS");
      }
      return { kind: "retry", at: clock.now() + HELD, tried: false, reason: "unusable" };
    }
  }

  async function openHooks(keys: Keys): Promise<Webhook[]> {
    const sealed = [keys.secret!, ...(keys.previous === undefined ? [] : [keys.previous])];
    return (await Promise.all(sealed.map(unseal))).map((secret) => new Webhook(secret));
  }

  async function post(delivery: Delivery, hooks: Webhook[]): Promise<Result> {
    const challenge = delivery.message ? undefined : crypto.randomUUID();
    let reply = await postOnce(
      delivery,
      hooks,
      challenge === undefined ? told(delivery) : JSON.stringify({ challenge }),
    );
    if ("status" in reply && reply.status === 413 && delivery.message) {
      counts.shortened++;
      reply = await postOnce(delivery, hooks, told(delivery, { smallest: true }));
    }
    if ("fault" in reply && reply.fault === "blocked") counts.blocked++;
    const asked = { attempt: delivery.attempt, now: clock.now(), random, challenge };
    return because(readWebhookReply(reply, asked), reasonOf(reply));
  }

  function told({ subscriber, message }: Delivery, options?: { smallest: boolean }): string {
    return new TextDecoder().decode(options ? printFor(subscriber, message, options) : print(subscriber, message));
  }

  function postOnce(delivery: Delivery, hooks: Webhook[], data: string): Promise<Reply> {
    const at = new Date(clock.now()), type = delivery.message ? "push" : "challenge";
    const text = `{"type":"${type}","timestamp":"${at.toISOString()}","data":${data}}`;
    const id = idOf(delivery), body = new TextEncoder().encode(text);
    const headers = {
      "content-type": "application/json",
      "content-length": `${body.byteLength}`,
      "webhook-id": id,
      "webhook-timestamp": `${Math.floor(at.getTime() / 1000)}`,
      "webhook-signature": hooks.map((hook) => hook.sign(id, at, text)).join(" "),
    };
    return egress.post(delivery.subscriber.address, { headers, body, reads: type === "challenge" });
  }

  return {
    offer: {
      name: "webhook",
      uri: WEBHOOK,
      latency: "seconds",
      reachesClosed: true,
      refreshInterval: REFRESH_INTERVAL,
      limits: { addressBytes: MAX_ADDRESS, messageBytes: MAX_MESSAGE },
      data: {},
      readTarget,
    },
    send,
    tick: origins.tick,
    stats: () => ({ ...origins.stats(), faults: { ...counts } }),
    close: () => {},
  };
}

/** The same for each try of the same message. */
function idOf({ subscriber, message, replaces = "" }: Delivery): string {
  return `msg_${shortHash(subscriber.id, replaces, JSON.stringify(message?.merged ?? ""))}`;
}

/** The fault names the key, never its value. */
function checkSecret(name: string, secret: string | undefined): void {
  const [, base64] = SECRET.exec(secret ?? "") ?? [];
  const bytes = base64 === undefined ? 0 : Uint8Array.fromBase64(base64).byteLength;
  if (bytes >= 24 && bytes <= 64) return;
  throw refuse("bad_request", `the key ${name} was refused: expected whsec_ and base64 of 24 to 64 bytes`);
}

function refuse(code: "bad_request" | "bad_address", reason: string): CarillonError {
  return new CarillonError(code, code === "bad_address" ? `the webhook was refused: ${reason}` : reason);
}
