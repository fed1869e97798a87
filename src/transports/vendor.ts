/**
 * Sending through a vendor, to whom we are known by an account: in turn, with a token that is made anew once where it is
 * refused as stale, and once more, shorter, where a message is too large.
 */
import type { Logger } from "@logtape/logtape";
import type { Clock } from "../clock.ts";
import type { Delivery, Outcome } from "../model/delivery.ts";
import type { Subscriber } from "../model/subscription.ts";
import type { Offer, Transport } from "../model/transport.ts";
import { parseRetryAfter } from "../wire/retry_after.ts";
import type { Answer, Request } from "./connection.ts";
import type { Egress, Reply } from "./egress.ts";
import { createInTurn } from "./in_turn.ts";
import { KEY_PAUSE } from "./key_breaker.ts";
import { type Meaning, resultOf } from "./meaning.ts";
import { createOrigins } from "./origins.ts";
import { because, type Result } from "./outcome.ts";
import { createPlaintexts, printFor } from "./plaintexts.ts";

/** What tells a vendor who we are: values of `Authorization`. */
export type Tokens = {
  /** Undefined when there is none now. */
  get: () => Promise<string | undefined>;
  /** Another one in the place of one that was refused as stale; the same one when it is too soon, undefined as above. */
  renew: (refused: string) => Promise<string | undefined>;
  /** Milliseconds until there can be a new one. */
  left: () => number;
};

/** `reason` is one that the vendor's table has, with its status, or the status alone: nothing else may be logged. */
export type Read = { meaning: Meaning; reason: string };

export type Vendor = {
  offer: Offer;
  /** Its origin, what it knows us by, and the setting that an operator corrects. */
  server: string;
  account: string;
  setting: string;
  tokens: Tokens;
  /** `text` is the message as the others carry it, UTF-8. Throws at an address that is none of the vendor's. */
  toRequest: (delivery: Delivery, text: Uint8Array, token: string) => { address: string } & Omit<Request, "path">;
  read: (answer: Answer, subscriber: Subscriber) => Read;
};

export type VendorDeps = { egress: Egress; clock: Clock; random: () => number; log: Logger };

type Replied = Read & { wait?: number };

export function createVendor(
  { offer, server, account, setting, tokens, toRequest, read }: Vendor,
  { egress, clock, random, log }: VendorDeps,
): Transport {
  const origins = createOrigins({ clock, random, keyRefused }), inTurn = createInTurn(origins);
  const print = createPlaintexts();
  const told = new Set<string>();
  let lastRefusal = "";

  async function send(delivery: Delivery): Promise<Outcome> {
    const { address } = delivery.subscriber;
    // An operator chose the server: no stranger is behind it, as one can be behind a push service of Web Push.
    const sender = { origin: server, endpoint: address, key: account, confirmed: true };
    try {
      return await inTurn(sender, () => push(delivery));
    } catch {
      tellOnce("a subscription cannot be sent to, its address is not usable");
      return { kind: "retry", at: clock.now() + KEY_PAUSE, tried: false, reason: "unusable" };
    }
  }

  async function push(delivery: Delivery): Promise<Result> {
    const { subscriber, message } = delivery, text = print(subscriber, message);
    const replied = await post(delivery, text);
    if (replied?.meaning !== "too_large") return conclude(replied);
    const smallest = printFor(subscriber, message, { smallest: true });
    return conclude(smallest.byteLength < text.byteLength ? await post(delivery, smallest) : replied);
  }

  /** Undefined: there is no token to send with. */
  async function post(delivery: Delivery, text: Uint8Array): Promise<Replied | undefined> {
    const token = await tokens.get(), replied = await postWith(token, delivery, text);
    if (token === undefined || replied?.meaning !== "stale") return replied;
    const another = await tokens.renew(token);
    return another === token ? replied : await postWith(another, delivery, text);
  }

  async function postWith(
    token: string | undefined,
    delivery: Delivery,
    text: Uint8Array,
  ): Promise<Replied | undefined> {
    if (token === undefined) return undefined;
    const { address, ...request } = toRequest(delivery, text, token);
    const reply = await egress.post(address, { ...request, reads: true });
    return "fault" in reply ? readFault(reply) : { ...read(reply, delivery.subscriber), wait: waitOf(reply) };
  }

  function waitOf({ retryAfter }: Answer): number | undefined {
    return retryAfter === undefined ? undefined : parseRetryAfter(retryAfter, clock.now());
  }

  function conclude(replied: Replied | undefined): Result {
    if (!replied) return untried();
    const { meaning, reason, wait } = replied;
    if (meaning === "stale" || meaning === "refused") lastRefusal = reason;
    if (meaning === "held") tellOnce(`some subscriptions are refused (${reason})`);
    if (meaning === "blocked") tellOnce("the server leads to no public address: CARILLON_PUSH_HOSTS can trust it");
    const pause = meaning === "stale" ? tokens.left() : 0;
    return because(resultOf(meaning, { now: clock.now(), wait, pause }), reason);
  }

  function untried(): Result {
    const at = clock.now() + tokens.left();
    return { outcome: { kind: "retry", at, tried: false, reason: "no_token" }, verdict: { origin: "silent" } };
  }

  function keyRefused(): void {
    log.error("{server} refuses us ({reason}): check {setting} and the clock of this machine", {
      server,
      reason: lastRefusal,
      setting,
    });
  }

  function tellOnce(what: string): void {
    if (told.has(what)) return;
    told.add(what);
    log.error("{server}: {what}; check {setting}", { server, what, setting });
  }

  function stats() {
    const { open, inFlight, waiting } = origins.stats();
    return { open, inFlight, waiting, faults: {} };
  }

  return { offer, send, tick: origins.tick, stats, close: () => {} };
}

function readFault({ fault }: Extract<Reply, { fault: unknown }>): Read {
  return { meaning: fault === "blocked" ? "blocked" : "failed", reason: fault };
}

/** Looks an answer up in a vendor's table, whose keys are a status and the reason that stands in the body. */
export function lookUp(table: Record<string, Meaning>, status: number, reason: string | undefined): Read | undefined {
  const key = `${status} ${reason}`, meaning = table[key];
  return meaning && { meaning, reason: key };
}
