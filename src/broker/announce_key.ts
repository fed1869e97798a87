/**
 * Telling who registered by WebDAV-Push that there is a new VAPID key, by the old one as long as that is good
 * (draft-bitfire-webdav-push): a client then registers anew.
 */
import type { Logger } from "@logtape/logtape";
import type { Clock } from "../clock.ts";
import type { Metrics } from "../metrics.ts";
import { readKeyNotice, readSubscriptionsAfter, writeKeyNotice } from "../store/key_notice.ts";
import { setAside } from "../store/set_aside.ts";
import { type Found, saveSubscription, subscriptionKey } from "../store/subscriptions.ts";

/** Subscriptions looked at in one go, and at the most in one minute. */
const PAGE = 200;
const MAX_PAGES = 100;

/** Milliseconds for which it is tried. */
const LIFE = 24 * 3_600_000;

type Deps = { kv: Deno.Kv; clock: Clock; log: Logger; metrics: Metrics; vapidKey: string };

/** To be called once a minute; goes on where the last one stopped. */
export async function announceKey(deps: Deps): Promise<void> {
  const { kv, vapidKey } = deps;
  const known = await readKeyNotice(kv, (key) => setAside(deps, "key_notice", key));
  let after = known?.vapidKey === vapidKey ? known.after : "";
  const told = new Set<string>();
  for (let page = 0; page < MAX_PAGES && after !== undefined; page++) {
    const found: Found[] = await readSubscriptionsAfter(kv, after, PAGE);
    for (const each of found) await announceTo(each, told, deps);
    after = found.length < PAGE ? undefined : found.at(-1)!.id;
    await writeKeyNotice(kv, { vapidKey, ...(after !== undefined && { after }) });
  }
}

/** An address that is registered for many collections is told once. Who changes it meanwhile has seen the new key. */
async function announceTo(found: Found, told: Set<string>, { kv, clock, vapidKey, ...deps }: Deps) {
  const { id, kept, unknown } = found;
  if (unknown) return setAside(deps, "subscription", subscriptionKey(id));
  if (!kept || kept.initial) return;
  const { protocol, address, vapidKey: known } = kept.subscription;
  if (protocol !== "webdav-push" || known === vapidKey || told.has(address)) return;
  told.add(address);
  const now = clock.now();
  await saveSubscription(kv, found, { ...kept, initial: { attempt: 0, at: now, until: now + LIFE } });
}
