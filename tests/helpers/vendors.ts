/** Our transports to the vendors as a worker has them, each next to its fake, which they reach by an egress of their own. */
import { getLogger } from "@logtape/logtape";
import { type Clock, systemClock } from "../../src/clock.ts";
import type { Delivery, Outcome } from "../../src/model/delivery.ts";
import { parsePushHost } from "../../src/model/push_host.ts";
import type { Transport } from "../../src/model/transport.ts";
import { createApns } from "../../src/transports/apns.ts";
import { createEgress, type Egress } from "../../src/transports/egress.ts";
import { createFcm } from "../../src/transports/fcm.ts";
import { createTrust } from "../../src/transports/trust.ts";
import type { VendorDeps } from "../../src/transports/vendor.ts";
import { certificates } from "./certificates.ts";
import { alone, deliveryTo } from "./deliveries.ts";
import { freshDevice, freshRegistration, p256Pem, rsaPem } from "./vendor_accounts.ts";
import { openApple, openGoogle } from "./vendor_fakes.ts";

type Options = {
  /** Ours; the fake has the same, unless it gets one of its own. */
  clock?: Clock;
  now?: () => number;
  /** As `CARILLON_PUSH_HOSTS`. */
  trusted?: string[];
  /** Signs instead of the key that the fake knows. */
  key?: string;
};

const p256 = p256Pem(), rsa = rsaPem();

/** APNs and our transport; `await using` ends both. */
export async function withApns({ clock = systemClock, now = clock.now, trusted, key = p256 }: Options = {}) {
  const { fake, credentials: known } = await openApple({ key: p256, now });
  const deps = openDeps(clock, trusted), credentials = { ...known, key };
  const fresh = () => `apns:${freshDevice()}`;
  return { fake, credentials, fresh, ...sending(createApns({ ...deps, credentials }), fresh, deps.egress, fake) };
}

/** FCM with Google's token endpoint, and our transport; `await using` ends both. */
export async function withFcm(
  { clock = systemClock, now = clock.now, trusted, key = rsa, life }: Options & { life?: number } = {},
) {
  const { fake, credentials: known } = await openGoogle({ key: rsa, now, life });
  const deps = openDeps(clock, trusted), credentials = { ...known, privateKey: key };
  const fresh = () => `fcm:${freshRegistration()}`;
  return { fake, credentials, deps, fresh, ...sending(createFcm({ ...deps, credentials }), fresh, deps.egress, fake) };
}

function openDeps(clock: Clock, trusted = ["127.0.0.1"]): VendorDeps {
  const trust = createTrust(trusted.map(parsePushHost));
  const egress = createEgress({
    trust,
    clock,
    resolve: () => Promise.resolve(["127.0.0.1"]),
    ca: certificates.ca,
  });
  return { egress, clock, random: () => 1, log: getLogger("carillon") };
}

function sending(push: Transport, fresh: () => string, egress: Egress, fake: AsyncDisposable) {
  /** To an address that nobody has seen, or to this one: a content change, unless it says otherwise. */
  const send = async (more: Partial<Delivery> = {}, address = fresh(), confirmed = true): Promise<Outcome> =>
    alone(await push.send(deliveryTo({ transport: push.offer.name, address, keys: {}, confirmed }, more)));
  const end = async () => {
    push.close();
    await egress.close();
    await fake[Symbol.asyncDispose]();
  };
  return { push, send, [Symbol.asyncDispose]: end };
}
