/** Subscriptions as the door stores them once they are confirmed, put into a database before its worker starts. */
import { shortHash } from "../../src/model/short_hash.ts";
import { readVapidKey } from "../../src/store/keys.ts";
import { importVapidKey } from "../../src/wire/vapid.ts";
import { subscribe, subscription } from "./engine.ts";
import type { PushService } from "./push_service.ts";

const WEEK = 7 * 24 * 3_600_000;

/** Stores `count` of one topic, each of a user agent of its own. */
export async function storeSubscriptions(
  path: string,
  service: PushService,
  { topic, count }: { topic: string; count: number },
): Promise<void> {
  using kv = await Deno.openKv(path);
  const { point } = await importVapidKey(await readVapidKey(kv, undefined));
  const topics = [{ topic, expiresAt: Date.now() + WEEK }];
  for (let n = 0; n < count; n++) {
    const { address, keys } = service.subscribe();
    await subscribe(kv, { ...subscription("", []), id: shortHash(`${n}`), address, keys, topics, vapidKey: point });
  }
}
