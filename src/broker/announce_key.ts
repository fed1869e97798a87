/**
 * Telling who registered by WebDAV-Push that there is a new VAPID key, by the old one as long as that is good
 * (draft-bitfire-webdav-push): a client then registers anew.
 */
import type { Clock } from "../clock.ts";
import { readKeyNotice, readSubscriptionsAfter, writeKeyNotice } from "../store/key_notice.ts";
import { type Found, saveSubscription } from "../store/subscriptions.ts";

/** Subscriptions looked at in one go, and at the most in one minute. */
const PAGE = 200;
const MAX_PAGES = 100;

/** Milliseconds for which it is tried. */
const LIFE = 24 * 3_600_000;

type Deps = { kv: Deno.Kv; clock: Clock; vapidKey: string };

/** To be called once a minute; goes on where the last one stopped. */
export async function announceKey({ kv, clock, vapidKey }: Deps): Promise<void> {
  const known = await readKeyNotice(kv);
  let after = known?.vapidKey === vapidKey ? known.after : "";
  const told = new Set<string>();
  for (let page = 0; page < MAX_PAGES && after !== undefined; page++) {
    const found: Found[] = await readSubscriptionsAfter(kv, after, PAGE);
    for (const each of found) await announceTo(each, told, { kv, clock, vapidKey });
    after = found.length < PAGE ? undefined : found.at(-1)!.id;
    await writeKeyNotice(kv, { vapidKey, ...(after !== undefined && { after }) });
  }
}

/** An address that is registered for many collections is told once. Who changes it meanwhile has seen the new key. */
async function announceTo(found: Found, told: Set<string>, { kv, clock, vapidKey }: Deps): Promise<void> {
  const { kept } = found;
  if (!kept || kept.initial) return;
  const { protocol, address, vapidKey: known } = kept.subscription;
  if (protocol !== "webdav-push" || known === vapidKey || told.has(address)) return;
  told.add(address);
  const now = clock.now();
  await saveSubscription(kv, found, { ...kept, initial: { attempt: 0, at: now, until: now + LIFE } });
}
