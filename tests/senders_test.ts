import { getLogger } from "@logtape/logtape";
import { type Config, readConfig } from "../src/config.ts";
import { createMetrics } from "../src/metrics.ts";
import { openSenders } from "../src/senders.ts";
import { KEY_PAUSE } from "../src/transports/key_breaker.ts";
import { equal, ok } from "./helpers/assert.ts";
import { certificates } from "./helpers/certificates.ts";
import { manualClock } from "./helpers/clock.ts";
import { deliveryTo } from "./helpers/deliveries.ts";
import { withApns, withFcm } from "./helpers/vendors.ts";
import { witness } from "./helpers/witness.ts";

async function openOutlets(config: Partial<Config> = {}) {
  const kv = await Deno.openKv(":memory:"), clock = manualClock(Date.now()), metrics = createMetrics();
  const settings = { ...readConfig({ CARILLON_PUSH_HOSTS: "127.0.0.1" }), ...config };
  const deps = { config: settings, kv, clock, random: () => 1, log: getLogger("carillon"), metrics };
  const outlets = await openSenders({ ...deps, ca: certificates.ca });
  const close = async () => {
    await outlets.close();
    kv.close();
  };
  return { ...outlets, clock, metrics, [Symbol.asyncDispose]: close };
}

Deno.test("senders: the vendors whose accounts are set are sent through, and counted beside Web Push", async () => {
  await using apns = await withApns();
  await using fcm = await withFcm();
  await using outlets = await openOutlets({ apns: apns.credentials, fcm: fcm.credentials });
  for (const [name, address] of [["apns", apns.fresh()], ["fcm", fcm.fresh()]] as const) {
    const delivery = deliveryTo({ transport: name, address, keys: {} });
    equal(await outlets.senders[name](delivery), { kind: "delivered" });
  }
  equal([apns.fake.notifications.length, fcm.fake.messages.length], [1, 1]);
  apns.fake.refuse(403, "InvalidProviderToken");
  for (let n = 0; n < 3; n++) {
    await outlets.senders.apns(deliveryTo({ transport: "apns", address: apns.fresh(), keys: {} }));
  }
  outlets.tick();
  ok((await outlets.metrics.registry.metrics()).includes("carillon_push_services_paused 1\n"));
});

Deno.test("senders: what was subscribed by an account that is not set any more waits for it, and is told of once", async () => {
  using seen = witness();
  await using outlets = await openOutlets();
  for (const transport of ["apns", "fcm"] as const) {
    for (let n = 0; n < 2; n++) {
      const address = seen.keep(`${transport}:${"ab".repeat(32)}`);
      const outcome = await outlets.senders[transport](deliveryTo({ transport, address, keys: {} }));
      equal(outcome, { kind: "retry", at: outlets.clock.now() + KEY_PAUSE, tried: false, reason: "no_settings" });
    }
  }
  const errors = seen.records.filter(({ level }) => level === "error");
  equal(errors.map(({ level, properties }) => [level, properties.transport]), [["error", "apns"], [
    "error",
    "fcm",
  ]]);
  seen.testify();
});

Deno.test("senders: what is not set up is not offered, and the log says which setting it lacks", async () => {
  using seen = witness();
  await using apns = await withApns();
  await using outlets = await openOutlets({ apns: apns.credentials });
  equal(outlets.offers.map(({ name }) => name), ["web-push", "webhook", "apns"]);
  equal(seen.records.map(({ level, properties }) => [level, properties.transport, properties.setting]), [
    ["info", "fcm", "CARILLON_FCM"],
  ]);
});
