/** Our transport as a worker has it, with what a test wants to change: it reaches the push services of the test. */
import { getLogger } from "@logtape/logtape";
import { type Clock, systemClock } from "../../src/clock.ts";
import type { Delivery, Outcome } from "../../src/model/delivery.ts";
import { parsePushHost } from "../../src/model/push_host.ts";
import { createEgress } from "../../src/transports/egress.ts";
import type { MakeEphemeral } from "../../src/transports/ephemeral_keys.ts";
import type { Resolve } from "../../src/transports/resolve.ts";
import { createTrust } from "../../src/transports/trust.ts";
import { createWebPush } from "../../src/transports/webpush.ts";
import type { VapidKey } from "../../src/wire/vapid.ts";
import { certificates } from "./certificates.ts";
import { alone, deliveryTo } from "./deliveries.ts";
import type { TestSubscription } from "./push_service.ts";
import { freshVapidKey } from "./vapid_keys.ts";

type Options = {
  clock?: Clock;
  /** As `CARILLON_PUSH_HOSTS`. */
  trusted?: string[];
  resolve?: Resolve;
  keys?: VapidKey[];
  make?: MakeEphemeral;
};

/** Trusts this machine; every name is this machine. `await using` ends it. */
export async function openWebPush(
  { clock = systemClock, trusted = ["127.0.0.1"], resolve = toThisMachine, keys, make }: Options = {},
) {
  const [key, ...others] = keys ?? [await freshVapidKey()];
  const egress = createEgress({ trust: createTrust(trusted.map(parsePushHost)), clock, resolve, ca: certificates.ca });
  const log = getLogger("carillon");
  const push = createWebPush({
    egress,
    keys: [key!, ...others],
    contact: "mailto:admin@dav.example",
    clock,
    random: () => 1,
    log,
    make,
  });

  /** To a subscription of a push service of the test: a content change, unless it says otherwise. */
  async function send({ address, keys }: TestSubscription, more: Partial<Delivery> = {}): Promise<Outcome> {
    const until = clock.now() + 86_400_000;
    return alone(await push.send(deliveryTo({ address, keys, vapidKey: key!.point }, { until, ...more })));
  }

  async function close(): Promise<void> {
    await Promise.all([push.close(), egress.close()]);
  }

  return { ...push, deliver: push.send, egress, key: key!, send, [Symbol.asyncDispose]: close };
}

function toThisMachine(): Promise<string[]> {
  return Promise.resolve(["127.0.0.1"]);
}
