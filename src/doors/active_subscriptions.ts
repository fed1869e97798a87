/** `GET /.well-known/mercure/subscriptions…`: which subscriptions are active, the Mercure protocol's "Subscription API". */
import type { Handler } from "hono";
import type { Broker } from "../broker/broker.ts";
import { CarillonError } from "../errors.ts";
import type { ActiveSubscription, Query } from "../model/active_subscription.ts";
import { isGranted } from "../model/grant.ts";
import {
  collectionDocument,
  parseSubscriptionPath,
  subscriptionDocument,
  SUBSCRIPTIONS_PATH,
} from "../wire/active_subscription.ts";
import { type BearerDeps, insufficientScope, requireBearer } from "./bearer.ts";
import { hubLink } from "./discovery.ts";

/** All of them, those of one matcher, and one. */
export const ACTIVE_PATHS = ["", "/:type/:match", "/:type/:match/:subscriber"].map((rest) => SUBSCRIPTIONS_PATH + rest);

/** Those who are active come and go, and whoever may see them is one person. */
const CACHE_CONTROL = "private, no-cache";

/** The updates of subscriptions are alike. */
const UPDATES = { type: "mercure", "content-type": "application/json" };

type Deps = BearerDeps & Pick<Broker, "head"> & {
  list: NonNullable<Broker["active"]>["list"];
  hubUrl: string;
};

export function activeSubscriptionsDoor(deps: Deps): Handler {
  return async (c) => {
    // As it was sent: the topic that must be granted is the path with its escapes.
    const { pathname } = new URL(c.req.url);
    const bearer = await requireBearer(c, deps);
    if (!isGranted(bearer, "subscribe", pathname)) {
      throw insufficientScope("the token holds no grant to subscribe to it");
    }
    const asked = parseSubscriptionPath(pathname);
    if (!asked) throw notFound();
    // Before the reading: what happens meanwhile is told to whoever comes with this id.
    const cursor = deps.head();
    const document = documentOf(pathname, asked, await deps.list(asked));
    const link = hubLink(deps.hubUrl, { "last-event-id": cursor, ...UPDATES });
    return c.json(document, 200, { "cache-control": CACHE_CONTROL, link });
  };
}

function documentOf(path: string, { subscriber }: Query, found: ActiveSubscription[]) {
  if (subscriber === undefined) return collectionDocument(path, found);
  if (!found[0]) throw notFound();
  return subscriptionDocument(found[0], true);
}

function notFound(): CarillonError {
  return new CarillonError("not_found", "no such subscription is active");
}
