/** The ways out, put together: the keys, the egress and each transport, as broker and doors need them. */
import type { Logger } from "@logtape/logtape";
import type { Clock } from "./clock.ts";
import type { Config } from "./config.ts";
import type { Metrics } from "./metrics.ts";
import type { Send, Senders } from "./model/delivery.ts";
import { readVapidKey } from "./store/keys.ts";
import { createApns } from "./transports/apns.ts";
import { createEgress, type EgressDeps } from "./transports/egress.ts";
import { createFcm } from "./transports/fcm.ts";
import { KEY_PAUSE } from "./transports/key_breaker.ts";
import { createTrust } from "./transports/trust.ts";
import { createWebPush, type WebPush } from "./transports/webpush.ts";
import { importVapidKey } from "./wire/vapid.ts";

type Deps = {
  config: Pick<Config, "contact" | "vapidKeys" | "pushHosts" | "secret" | "apns" | "fcm">;
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
  const apns = config.apns && createApns({ credentials: config.apns, egress, clock, random, log });
  const fcm = config.fcm && createFcm({ credentials: config.fcm, egress, clock, random, log });
  const vendors = [apns, fcm].filter((vendor) => vendor !== undefined);

  function tick(): void {
    egress.tick();
    webPush.tick();
    for (const vendor of vendors) vendor.tick();
    measure(webPush.stats());
  }

  function measure(stats: Stats): void {
    const all = [stats, ...vendors.map((vendor) => vendor.stats())];
    const sum = (name: "open" | "inFlight" | "waiting") => all.reduce((total, each) => total + each[name], 0);
    metrics.pushServicesPaused.set(sum("open"));
    metrics.pushesInFlight.set(sum("inFlight"));
    metrics.pushesWaiting.set(sum("waiting"));
    countFaults(stats);
  }

  function countFaults({ keysReady, unknownKeys, blocked, shortened, broken, ttlCut }: Stats): void {
    metrics.pushKeysReady.set(keysReady);
    const faults = { unknown_key: unknownKeys, blocked, shortened, broken, ttl_cut: ttlCut };
    for (const [kind, count] of Object.entries(faults)) {
      metrics.pushFaults.inc({ kind }, count - (counted.get(kind) ?? 0));
      counted.set(kind, count);
    }
  }

  /** What was subscribed while there was an account waits for it: a setting that is lost for a day ends nobody. */
  function missing(transport: string): Send {
    let isTold = false;
    return () => {
      if (!isTold) log.error("there are subscriptions by {transport}, and no settings for it", { transport });
      isTold = true;
      return Promise.resolve({ kind: "retry", at: clock.now() + KEY_PAUSE, tried: false });
    };
  }

  return {
    senders: {
      "web-push": webPush.send,
      webhook: missing("webhook"),
      apns: apns?.send ?? missing("apns"),
      fcm: fcm?.send ?? missing("fcm"),
    },
    checkAddress: webPush.check,
    vapidKey: keys[0]!.point,
    tick,
    close: async () => void await Promise.all([webPush, ...vendors, egress].map(({ close }) => close())),
  };
}
