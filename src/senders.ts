/** The ways out, put together: the keys, the egress and each transport, as broker and doors need them. */
import type { Logger } from "@logtape/logtape";
import type { Clock } from "./clock.ts";
import type { Config } from "./config.ts";
import type { Metrics } from "./metrics.ts";
import type { Senders } from "./model/delivery.ts";
import { readVapidKey } from "./store/keys.ts";
import { createEgress, type EgressDeps } from "./transports/egress.ts";
import { createTrust } from "./transports/trust.ts";
import { createWebPush, type WebPush } from "./transports/webpush.ts";
import { importVapidKey } from "./wire/vapid.ts";

type Deps = {
  config: Pick<Config, "contact" | "vapidKeys" | "pushHosts" | "secret">;
  kv: Deno.Kv;
  clock: Clock;
  random: () => number;
  log: Logger;
  metrics: Metrics;
} & Pick<EgressDeps, "ca" | "resolve">;

type Stats = ReturnType<WebPush["stats"]>;

export type Outlets = {
  senders: Senders;
  /** Checks the form of a push address. Throws `bad_address`. */
  checkAddress: (address: string) => URL;
  /** The public VAPID key of new subscriptions. */
  vapidKey: string;
  /** To be called once a second. */
  tick: () => void;
  close: () => Promise<void>;
};

/** The keys of the settings come first; the one that the database keeps is good for what was subscribed before. */
export async function openSenders({ config, kv, clock, random, log, metrics, ca, resolve }: Deps): Promise<Outlets> {
  const jwks = [...config.vapidKeys, await readVapidKey(kv, config.secret)];
  const keys = await Promise.all(jwks.map(importVapidKey));
  const egress = createEgress({ trust: createTrust(config.pushHosts), clock, ca, resolve });
  const counted = new Map<string, number>();
  const webPush = createWebPush({ egress, keys, contact: config.contact, clock, random, log });

  function tick(): void {
    egress.tick();
    webPush.tick();
    measure(webPush.stats());
  }

  function measure(
    { open, inFlight, waiting, keysReady, unknownKeys, blocked, shortened, broken, ttlCut }: Stats,
  ): void {
    metrics.pushServicesPaused.set(open);
    metrics.pushesInFlight.set(inFlight);
    metrics.pushesWaiting.set(waiting);
    metrics.pushKeysReady.set(keysReady);
    const faults = { unknown_key: unknownKeys, blocked, shortened, broken, ttl_cut: ttlCut };
    for (const [kind, count] of Object.entries(faults)) {
      metrics.pushFaults.inc({ kind }, count - (counted.get(kind) ?? 0));
      counted.set(kind, count);
    }
  }

  return {
    senders: { "web-push": webPush.send },
    checkAddress: webPush.check,
    vapidKey: keys[0]!.point,
    tick,
    close: async () => void await Promise.all([webPush.close(), egress.close()]),
  };
}
