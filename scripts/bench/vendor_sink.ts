/**
 * The servers of the bench `transports`, in a process of their own: the fakes of the tests, which check whatever comes.
 * Prints a line of JSON when they listen, and another one, with what came, when it is told to end.
 */
import { makeCertificates } from "../lib/certificates.ts";
import { openApns } from "../../tests/fakes/apns.ts";
import { openWebhookReceiver } from "../../tests/fakes/webhook.ts";
import { openFcm } from "../../tests/fakes/fcm.ts";
import { apnsAccount, fcmAccount, p256Pem, publicHalf, rsaPem } from "../../tests/helpers/vendor_accounts.ts";
import type { ApnsCredentials, FcmCredentials } from "../../src/config/vendors.ts";

export type Listening = {
  ca: string;
  apns: ApnsCredentials;
  fcm: FcmCredentials;
  webhook: { endpoint: string; keys: { secret: string } };
};

/** Connections, and messages that were taken, by transport. */
export type Came = Record<"apns" | "fcm" | "webhook", { connections: number; taken: number }>;

const certificates = await makeCertificates([], ["127.0.0.1"]);
const keys = { apns: p256Pem(), fcm: rsaPem() };
const apns = await openApns({
  certificates,
  account: { ...apnsAccount("", keys.apns), publicKey: publicHalf(keys.apns) },
});
const fcm = await openFcm({ certificates, account: { ...fcmAccount("", keys.fcm), publicKey: publicHalf(keys.fcm) } });
const webhook = await openWebhookReceiver({ certificates });
const taken = { apns: 0, fcm: 0, webhook: 0 };

Deno.addSignalListener("SIGTERM", leave);
setInterval(forget, 1_000);
print<Listening>({
  ca: certificates.ca,
  apns: apnsAccount(apns.origin, keys.apns),
  fcm: fcmAccount(fcm.origin, keys.fcm),
  webhook: webhook.subscribe(),
});

/** The fakes keep all that came, for tests. */
function forget(): void {
  taken.apns += apns.notifications.splice(0).length;
  taken.fcm += fcm.messages.splice(0).length;
  taken.webhook += webhook.taken.splice(0).length;
  for (const { requests } of [apns, fcm]) requests.length = 0;
}

function leave(): void {
  forget();
  print<Came>({
    apns: { connections: apns.load.connections, taken: taken.apns },
    fcm: { connections: fcm.load.connections, taken: taken.fcm },
    webhook: { connections: webhook.load.connections, taken: taken.webhook },
  });
  Deno.exit(0);
}

function print<T>(value: T): void {
  console.log(JSON.stringify(value));
}
