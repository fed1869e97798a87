/** Registering for push (draft-bitfire-webdav-push, "Subscription registration"): who may read a collection is told of it. */
import type { Admit, Subscriptions } from "../broker/subscriptions.ts";
import { CarillonError } from "../errors.ts";
import { type Subscription, type Triggers, WEB_PUSH } from "../model/subscription.ts";
import { type Offer, type Target, targetOf } from "../model/transport.ts";
import { InvalidSubscription, parsePushRegister, PUSH_NAMESPACE } from "../wire/push_register.ts";
import { type Answer, passOn, refuse } from "./answer.ts";
import { type Ask, type Credentials, isBound } from "./ask.ts";
import type { FindCaller } from "./caller.ts";
import { type Found, isRefused, lookAt } from "./look_at.ts";
import { canonicalPath } from "./paths.ts";
import { ownerOf } from "./principal.ts";
import { supported } from "./pushable.ts";

/** Milliseconds that are granted at least, whatever is asked for; at most is the refresh interval. */
const SHORTEST = 3 * 86_400_000;

/** Where a client of CC/CD 70025 subscribes, and below which each registration has its address. */
export const REGISTRATIONS = "/-/registrations";

export type RegisterDeps = {
  ask: Ask;
  findCaller: FindCaller;
  subscriptions: Subscriptions;
  /** The public origin of the DAV door. */
  origin: string;
  offers: Offer[];
  admit: Admit;
  now: () => number;
  /** Called with what somebody registered, by which credentials, and the homes in which that is. */
  registered: (credentials: Credentials, subscription: Subscription, homes: string[]) => void;
};

/** A document that was posted to a path. */
export type Posted = { path: string; credentials: Credentials; text: string };

/** The topic of a collection. */
export const topicOf = (origin: string, path: string) => origin + canonicalPath(path);

/**
 * Registers for the resource at a path. Undefined: it is the upstream's: another document, or a push of its own. Rejects when the
 * upstream does not answer; throws `too_many_subscriptions` or `push_service_silent`.
 */
export async function register(deps: RegisterDeps, { path, credentials, text }: Posted): Promise<Answer | undefined> {
  try {
    const wanted = parsePushRegister(text);
    if (!wanted) return undefined;
    if (!wanted.triggers) return noTrigger();
    const target = await targetOf(deps.offers, WEB_PUSH, { endpoint: wanted.address, keys: wanted.keys });
    if (isBound(credentials)) return unavailable();
    const found = await lookAt(deps, path, credentials);
    if (isRefused(found)) return passOn(found.refused);
    // Its own keys and topics are what its clients know.
    if (found.pushesItself) return undefined;
    if (!found.principal || !found.pushable) return unavailable();
    const triggers = supported(wanted.triggers, found.pushable);
    if (!triggers) return noTrigger();
    return await store(deps, credentials, {
      ...found,
      ...wanted,
      principal: found.principal,
      target,
      triggers,
    });
  } catch (thrown) {
    if (thrown instanceof InvalidSubscription || isBadTarget(thrown)) return refusePush("invalid-subscription");
    throw thrown;
  }
}

// The draft and its schema have different names for it.
const noTrigger = () => refusePush("no-trigger-supported", "no-supported-trigger");
const unavailable = () => refusePush("push-not-available");
const refusePush = (...conditions: string[]) => refuse(PUSH_NAMESPACE, conditions);

/** A push address or keys that nobody can use. */
export function isBadTarget(thrown: unknown): boolean {
  return thrown instanceof CarillonError && (thrown.code === "bad_address" || thrown.code === "bad_request");
}

type Registering = Found & { principal: string; target: Target; triggers: Triggers; expiresAt?: number };

async function store(
  { subscriptions, origin, admit, now, registered }: RegisterDeps,
  credentials: Credentials,
  { principal, path, home, target, triggers, expiresAt: asked = Infinity }: Registering,
): Promise<Answer> {
  const owner = ownerOf(origin, principal), expiresAt = Math.max(now() + SHORTEST, asked);
  const registering = { topic: topicOf(origin, path), triggers, expiresAt };
  const { kept: { subscription }, isNew } = await subscriptions.register(owner, target, registering, admit);
  registered(credentials, subscription, home === undefined ? [] : [home]);
  return { status: isNew ? 201 : 204, headers: headersOf(origin, subscription) };
}

/** Where a registration is, and until when. */
export function headersOf(origin: string, { id, topics }: Subscription): [string, string][] {
  const expires = new Date(Math.min(...topics.map(({ expiresAt }) => expiresAt))).toUTCString();
  return [["Location", `${origin}${REGISTRATIONS}/${id}`], ["Expires", expires]];
}
