/** `/-/subscriptions`: a browser hands over its `PushSubscription`, and says what it wants to be told of. */
import type { Context, Handler } from "hono";
import { checkQuotas } from "../access/quotas.ts";
import type { Admit, Subscriptions, Wanted } from "../broker/subscriptions.ts";
import { CarillonError } from "../errors.ts";
import { type Bearer, isGranted, ownerOf } from "../model/grant.ts";
import { expiryOf, type Keys, serviceOf, type Subscription } from "../model/subscription.ts";
import { type Offer, targetOf } from "../model/transport.ts";
import type { Kept } from "../store/subscriptions.ts";
import { parseSubscription, type SubscriptionRequest } from "../wire/subscription_request.ts";
import { type BearerDeps, insufficientScope, requireBearer } from "./bearer.ts";
import { checkType, readJson } from "./body.ts";

export const MAX_SUBSCRIPTION_BYTES = 48 * 1024;

/** Subscriptions in one answer. */
const PAGE = 100;

const PATH = "/-/subscriptions";

export type SubscriptionDeps = BearerDeps & {
  url: string;
  hubUrl: string;
  now: () => number;
  subscriptions: Subscriptions;
  /** The transports by which we can reach clients. */
  offers: Offer[];
};

/** POST: 201, or 200 where the same owner had handed over the same address before. */
export function subscribeDoor(deps: SubscriptionDeps): Handler {
  return async (c) => {
    const { bearer, owner } = await requireOwner(c, deps);
    const { transport, endpoint, keys, ...wanted } = await readRequest(c, deps);
    if (endpoint === undefined) throw missing("endpoint");
    if (!wanted.topics) throw missing("topics");
    checkWanted(wanted, bearer, deps);
    const admit = admitter(bearer, wanted.topics);
    const target = await targetOf(deps.offers, transport, { endpoint, ...(keys && { keys }) });
    const { kept, isNew } = await deps.subscriptions.subscribe(owner, target, wanted, admit);
    return c.json(print(kept, deps), isNew ? 201 : 200, { location: locationOf(kept, deps) });
  };
}

/** GET: those of the token's owner, in pages; `next` leads to the rest. */
export function listSubscriptionsDoor(deps: SubscriptionDeps): Handler {
  return async (c) => {
    const { owner } = await requireOwner(c, deps);
    const { kept, next } = await deps.subscriptions.list(owner, c.req.query("after") ?? "", PAGE);
    const more = next === undefined ? {} : { next: `${deps.url}${PATH}?after=${next}` };
    return c.json({ subscriptions: kept.map((each) => print(each, deps)), ...more });
  };
}

/** GET: one, and the topics of which it could not be told something yet. */
export function getSubscriptionDoor(deps: SubscriptionDeps): Handler {
  return async (c) => {
    const { owner } = await requireOwner(c, deps);
    const kept = await deps.subscriptions.get(owner, c.req.param("id")!);
    const failing = (await deps.subscriptions.failing(kept.subscription)).map(({ at, ...rest }) => ({
      ...rest,
      next: new Date(at).toISOString(),
    }));
    return c.json({ ...print(kept, deps), ...(failing.length > 0 && { failing }) });
  };
}

/** PUT: renews; members that are given replace what was there. The address stays: another one is another subscription. */
export function updateSubscriptionDoor(deps: SubscriptionDeps): Handler {
  return async (c) => {
    const { bearer, owner } = await requireOwner(c, deps);
    const { transport: _, endpoint, keys, ...wanted } = await readRequest(c, deps);
    const id = c.req.param("id")!, { subscription } = await deps.subscriptions.get(owner, id);
    const handed = endpoint === undefined && !keys ? {} : await readHanded(subscription, { endpoint, keys }, deps);
    const kept = await deps.subscriptions.update(owner, id, { ...wanted, ...handed }, ({ topics }) => {
      checkWanted({ topics: topics.map(({ topic }) => topic), ...wanted }, bearer, deps);
    });
    return c.json(print(kept, deps));
  };
}

/** The keys that take the place of those of a subscription. Throws `bad_request` or `bad_address`. */
async function readHanded(
  { transport, address, keys }: Subscription,
  given: { endpoint?: string | undefined; keys?: Keys | undefined },
  { offers }: SubscriptionDeps,
): Promise<{ keys?: Keys }> {
  const offer = offers.find(({ name }) => name === transport);
  if (!offer) throw new CarillonError("bad_request", "the subscription's transport is not offered any more");
  // Keys may be kept encrypted: they are none that a client could hand over.
  if (!given.keys && given.endpoint === address) return {};
  const target = await offer.readTarget({ endpoint: given.endpoint ?? address, keys: given.keys ?? keys });
  if (target.address === address) return given.keys ? { keys: target.keys } : {};
  throw new CarillonError("bad_request", "the endpoint cannot be changed: POST the new one and DELETE this one");
}

export function deleteSubscriptionDoor(deps: SubscriptionDeps): Handler {
  return async (c) => {
    const { owner } = await requireOwner(c, deps);
    await deps.subscriptions.end(owner, c.req.param("id")!);
    return c.body(null, 204);
  };
}

async function requireOwner(c: Context, deps: BearerDeps): Promise<{ bearer: Bearer; owner: string }> {
  const bearer = await requireBearer(c, deps);
  return { bearer, owner: checkOwner(bearer) };
}

/** Subscriptions outlive a token, so that it must say whose they are. Throws `insufficient_scope`. */
export function checkOwner(bearer: Bearer): string {
  const owner = ownerOf(bearer);
  if (owner !== undefined) return owner;
  throw insufficientScope("the token was refused: it names no subject (sub)");
}

/** Who may publish to what they subscribe to is a server, and speaks for many. */
export function admitter(bearer: Bearer, topics: string[]): Admit {
  const isServer = topics.every((topic) => isGranted(bearer, "publish", topic));
  return (counts) => checkQuotas(counts, { isServer });
}

async function readRequest(c: Context, { hubUrl }: SubscriptionDeps): Promise<SubscriptionRequest> {
  checkType(c, "application/json");
  return parseSubscription(await readJson(c, MAX_SUBSCRIPTION_BYTES), hubUrl);
}

function checkWanted({ topics = [], expiresAt }: Wanted, bearer: Bearer, { now }: SubscriptionDeps): void {
  const refused = topics.find((topic) => !isGranted(bearer, "subscribe", topic));
  if (refused !== undefined) {
    throw insufficientScope(`the token holds no grant to subscribe to the topic: ${refused.slice(0, 100)}`);
  }
  if (expiresAt !== undefined && expiresAt <= now()) {
    throw new CarillonError("bad_request", "the subscription was refused: it has expired already");
  }
}

function missing(what: string): CarillonError {
  return new CarillonError("bad_request", `the subscription was refused: it names no ${what}`);
}

function locationOf({ subscription }: Kept, { url }: SubscriptionDeps): string {
  return `${url}${PATH}/${subscription.id}`;
}

/** Neither the address nor the keys: whoever has them can push. */
function print(kept: Kept, deps: SubscriptionDeps) {
  const { subscription } = kept;
  const { content, property } = subscription.triggers;
  return {
    location: locationOf(kept, deps),
    transport: deps.offers.find(({ name }) => name === subscription.transport)?.uri,
    pushService: serviceOf(subscription.address),
    topics: subscription.topics.map(({ topic }) => topic),
    triggers: { content, ...(property && { property: { depth: property.depth, properties: property.props } }) },
    minPriority: subscription.minPriority,
    maxDelay: subscription.maxDelay,
    clientId: subscription.clientId,
    expires: new Date(expiryOf(subscription)).toISOString(),
    vapidKey: subscription.vapidKey || undefined,
    confirmed: subscription.confirmed,
  };
}
