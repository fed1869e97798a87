/** Subscriptions as the worker stores them, many at a time. */
import { createECDH, randomBytes } from "node:crypto";
import { shortHash } from "../../src/model/short_hash.ts";
import type { Subscription } from "../../src/model/subscription.ts";
import { readVapidKey } from "../../src/store/keys.ts";
import { encodeRecord } from "../../src/store/record.ts";
import { entriesOf, subscriptionKey } from "../../src/store/subscriptions.ts";
import { importVapidKey } from "../../src/wire/vapid.ts";
import { progress } from "./report.ts";

/** Milliseconds. */
const WEEK = 7 * 24 * 3_600_000;

/** Subscriptions in one commit: KV allows 1,000 mutations, 81,920 bytes of keys and 819,200 of all. */
const TOGETHER = 200;

const OWNED = 1_000;

/** After so many it is told how far it is. */
const TELL = 100_000;

/** Stores `count` of them; `topic` says of what, each is sent to `/NAME` of the push service with its topic's name. */
export async function storeSubscriptions(
  kv: Deno.Kv,
  { count, port, topic, more = {} }: {
    count: number;
    port: number;
    topic: (n: number) => string;
    more?: Partial<Subscription>;
  },
): Promise<void> {
  const { point } = await importVapidKey(await readVapidKey(kv, undefined));
  const keys = makeKeys(), expiresAt = Date.now() + WEEK;
  const make = (n: number): Subscription => ({
    id: shortHash("bench", topic(n), `${n}`),
    owner: shortHash("bench", `${Math.floor(n / OWNED)}`),
    transport: "web-push",
    address: `https://127.0.0.1:${port}/${topic(n)}/${n}`,
    keys,
    topics: [{ topic: topic(n), expiresAt }],
    triggers: {},
    minPriority: 0,
    maxDelay: 60,
    vapidKey: point,
    confirmed: true,
    ...more,
  });
  for (let n = 0; n < count; n += TOGETHER) {
    if (n > 0 && n % TELL === 0) progress(`${n} of ${count} are stored`);
    await storeSome(kv, n, Math.min(count, n + TOGETHER), make);
  }
}

async function storeSome(kv: Deno.Kv, from: number, to: number, make: (n: number) => Subscription): Promise<void> {
  const atomic = kv.atomic();
  for (let n = from; n < to; n++) {
    const subscription = make(n);
    atomic.set(subscriptionKey(subscription.id), encodeRecord({ subscription, nonce: "" }));
    for (const [key, value] of entriesOf({ subscription })) atomic.set(key, value);
  }
  await atomic.commit();
}

function makeKeys(): { p256dh: string; auth: string } {
  const pair = createECDH("prime256v1");
  return { p256dh: pair.generateKeys("base64url"), auth: randomBytes(16).toString("base64url") };
}
