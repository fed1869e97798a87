/**
 * Ending what a user may not read any more: no password is kept, so access ends with what the upstream says to that user
 * on the way through. It is asked once more first, since a 403 or 404 can mean other things (RFC 6578 3.2).
 */
import type { IncomingMessage } from "node:http";
import type { Subscriptions } from "../broker/subscriptions.ts";
import { forgetOldest } from "../model/forget_oldest.ts";
import { shortHash } from "../model/short_hash.ts";
import type { Subscription } from "../model/subscription.ts";
import { type Ask, type Credentials, credentialsOf, isBound } from "./ask.ts";
import { PRINCIPAL } from "./names.ts";
import { canonicalPath, parentOf } from "./paths.ts";
import { ownerOf, whoIs } from "./principal.ts";
import { topicOf } from "./register.ts";

const READING = new Set(["PROPFIND", "REPORT", "GET", "HEAD"]);
const REFUSED = [401, 403, 404];

/** Credentials that are remembered, each with what was registered by them. */
const MAX_REMEMBERED = 10_000;

type Deps = { ask: Ask; subscriptions: Pick<Subscriptions, "drop" | "hasAny" | "idsOf">; origin: string };

export type Revoke = ReturnType<typeof createRevoke>;

export function createRevoke({ ask, subscriptions, origin }: Deps) {
  const byCredentials = new Map<string, Set<string>>();
  // Of this process alone: nobody can try passwords on what it remembers.
  const secret = crypto.randomUUID();
  const keyOf = ({ authorization = "" }: Credentials) => shortHash(secret, authorization);

  /** Remembers who registered: a 401 does not say whose it is, but for those credentials. */
  function registered(credentials: Credentials, { id }: Subscription): void {
    // A token of OAuth is refused when it is old, which says nothing about its user.
    if (!/^basic /i.test(credentials.authorization ?? "")) return;
    const key = keyOf(credentials), ids = byCredentials.get(key) ?? new Set<string>();
    byCredentials.delete(key);
    byCredentials.set(key, ids.add(id));
    forgetOldest(byCredentials, MAX_REMEMBERED);
  }

  /** Called with each request that the upstream answered, and the status. */
  async function answered(incoming: IncomingMessage, status: number): Promise<void> {
    if (!REFUSED.includes(status) || !READING.has(incoming.method!)) return;
    const credentials = credentialsOf(incoming), path = canonicalPath(incoming.url!);
    if (status === 401) return await endRegisteredBy(credentials, path);
    const topic = topicOf(origin, path);
    if (isBound(credentials) || !await subscriptions.hasAny(topic)) return;
    const { principal, first } = await whoIs(ask, path, credentials);
    if (!principal || !REFUSED.includes(first.status)) return;
    for (const id of await subscriptions.idsOf(ownerOf(origin, principal), topic)) {
      await subscriptions.drop(id, [topic]);
    }
  }

  /** The collection at a path, or in which it is. */
  async function endRegisteredBy(credentials: Credentials, path: string): Promise<void> {
    const ids = byCredentials.get(keyOf(credentials));
    if (!ids || (await ask(path, credentials, [PRINCIPAL])).status !== 401) return;
    const topics = [path, parentOf(path)].map((each) => topicOf(origin, each));
    for (const id of ids) await subscriptions.drop(id, topics);
  }

  return { registered, answered };
}
