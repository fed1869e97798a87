/** The ways out, put together: the keys, the egress and the transports, as broker and doors need them. */
import type { Logger } from "@logtape/logtape";
import type { Clock } from "./clock.ts";
import type { Config } from "./config.ts";
import type { Metrics } from "./metrics.ts";
import type { Send, Senders } from "./model/delivery.ts";
import type { Offer, Transport } from "./model/transport.ts";
import { readVapidKey } from "./store/keys.ts";
import { createEnvelope } from "./store/seal.ts";
import { createEgress, type EgressDeps } from "./transports/egress.ts";
import { KEY_PAUSE } from "./transports/key_breaker.ts";
import { NAMES, openTransports } from "./transports/registry.ts";
import { createTrust } from "./transports/trust.ts";
import { importVapidKey } from "./wire/vapid.ts";

type Deps = {
  config: Pick<Config, "contact" | "vapidKeys" | "pushHosts" | "secret" | "url" | "davUrl" | "apns" | "fcm">;
  kv: Deno.Kv;
  clock: Clock;
  random: () => number;
  log: Logger;
  metrics: Metrics;
} & Pick<EgressDeps, "ca" | "resolve">;

export type Outlets = {
  senders: Senders;
  offers: Offer[];
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
  const ownOrigins = [config.url, config.davUrl ?? config.url].map((url) => new URL(url).origin);
  const envelope = createEnvelope(config.secret);
  const { contact, apns, fcm } = config, shared = { egress, clock, random, log, contact, apns, fcm };
  const transports = openTransports({ ...shared, keys, ownOrigins, ...envelope });
  const missing = createMissing(clock, log);
  const measure = createMeasure(transports, metrics);

  function tick(): void {
    egress.tick();
    for (const transport of transports) transport.tick();
    measure();
  }

  return {
    senders: Object.fromEntries([
      ...NAMES.map((name) => [name, missing(name)]),
      ...transports.map(({ offer, send }) => [offer.name, send]),
    ]),
    offers: transports.map(({ offer }) => offer),
    vapidKey: keys[0]!.point,
    tick,
    close: async () => void await Promise.all([...transports.map(({ close }) => close()), egress.close()]),
  };
}

/** What was subscribed while a transport was offered waits for it: a setting that is lost for a day ends nobody. */
function createMissing(clock: Clock, log: Logger): (transport: string) => Send {
  return (transport) => {
    let isTold = false;
    return () => {
      if (!isTold) log.error("there are subscriptions by {transport}, and no settings for it", { transport });
      isTold = true;
      return Promise.resolve({ kind: "retry", at: clock.now() + KEY_PAUSE, tried: false, reason: "no_settings" });
    };
  };
}

/** Adds up what the transports say of themselves. */
function createMeasure(transports: Transport[], metrics: Metrics): () => void {
  const counted = new Map<string, number>();
  return () => {
    const all = transports.map(({ stats }) => stats());
    const sum = (pick: (stats: typeof all[number]) => number) => all.reduce((sum, stats) => sum + pick(stats), 0);
    metrics.pushServicesPaused.set(sum(({ open }) => open));
    metrics.pushesInFlight.set(sum(({ inFlight }) => inFlight));
    metrics.pushesWaiting.set(sum(({ waiting }) => waiting));
    metrics.pushKeysReady.set(sum(({ keysReady = 0 }) => keysReady));
    for (const kind of new Set(all.flatMap(({ faults }) => Object.keys(faults)))) {
      const count = sum(({ faults }) => faults[kind] ?? 0);
      metrics.pushFaults.inc({ kind }, count - (counted.get(kind) ?? 0));
      counted.set(kind, count);
    }
  };
}
