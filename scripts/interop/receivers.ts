/** Someone at the other end of each transport, for whom a worker is set up by `env`: what each of them was told. */
import { openApns } from "../../tests/fakes/apns.ts";
import { openFcm } from "../../tests/fakes/fcm.ts";
import { openWebhookReceiver } from "../../tests/fakes/webhook.ts";
import { certificates } from "../../tests/helpers/certificates.ts";
import { openPushService } from "../../tests/helpers/push_service.ts";
import { hear, openRig } from "../../tests/helpers/receiver_rig.ts";
import {
  apnsAccount,
  fcmAccount,
  freshDevice,
  freshRegistration,
  p256Pem,
  publicHalf,
  rsaPem,
} from "../../tests/helpers/vendor_accounts.ts";
import { APNS } from "../../src/transports/apns.ts";
import { FCM } from "../../src/transports/fcm.ts";
import { WEBHOOK } from "../../src/transports/webhook.ts";
import { WEB_PUSH } from "../../src/model/subscription.ts";

/** `handed` is what `POST /-/subscriptions` wants to know of it; `told` all that came, as text. */
export type Receiver = { name: string; handed: Record<string, unknown>; told: () => string[] };

/** Opens all of them; `await using` closes them. */
export async function openReceivers() {
  const things = new AsyncDisposableStack();
  const opened = [
    await openWebPush(things),
    await openOwnPushService(things),
    await openWebhook(things),
    await openApple(things),
    await openGoogle(things),
  ];
  const caFile = await Deno.makeTempFile({ suffix: ".pem" });
  things.defer(() => Deno.remove(caFile));
  await Deno.writeTextFile(caFile, certificates.ca);
  return {
    receivers: opened.map(({ receiver }) => receiver),
    env: {
      CARILLON_PUSH_HOSTS: "127.0.0.1",
      NODE_EXTRA_CA_CERTS: caFile,
      ...Object.assign({}, ...opened.map(({ env }) => env)),
    },
    [Symbol.asyncDispose]: () => things.disposeAsync(),
  };
}

type Opened = { receiver: Receiver; env?: Record<string, string> };

async function openWebPush(things: AsyncDisposableStack): Promise<Opened> {
  const service = things.use(await openPushService()), subscription = service.subscribe();
  const handed = { transport: WEB_PUSH, endpoint: subscription.address, keys: subscription.keys };
  const told = () => service.messages(subscription).map(({ text }) => text);
  return { receiver: { name: "Web Push", handed, told } };
}

/** Of another Carillon, which knows nothing of this one. */
async function openOwnPushService(things: AsyncDisposableStack): Promise<Opened> {
  const rig = things.use(await openRig()), receiver = await rig.subscribe();
  const heard = things.use(hear(receiver));
  const { endpoint, keys } = receiver.subscription;
  return {
    receiver: {
      name: "Carillon's push service",
      handed: { transport: WEB_PUSH, endpoint, keys },
      told: () => heard.texts,
    },
  };
}

async function openWebhook(things: AsyncDisposableStack): Promise<Opened> {
  const receiver = things.use(await openWebhookReceiver());
  const told = () => receiver.taken.map(({ raw }) => raw.body);
  return { receiver: { name: "webhook", handed: { transport: WEBHOOK, ...receiver.subscribe() }, told } };
}

async function openApple(things: AsyncDisposableStack): Promise<Opened> {
  const key = p256Pem(), account = apnsAccount("", key);
  const apns = things.use(await openApns({ certificates, account: { ...account, publicKey: publicHalf(key) } }));
  const told = () => apns.notifications.map(({ payload }) => JSON.stringify(payload));
  return {
    receiver: { name: "APNs", handed: { transport: APNS, endpoint: freshDevice() }, told },
    env: { CARILLON_APNS: JSON.stringify({ ...account, server: apns.origin }) },
  };
}

async function openGoogle(things: AsyncDisposableStack): Promise<Opened> {
  const key = rsaPem(), account = fcmAccount("", key);
  const fcm = things.use(await openFcm({ certificates, account: { ...account, publicKey: publicHalf(key) } }));
  const file = {
    project_id: account.projectId,
    client_email: account.clientEmail,
    private_key_id: account.keyId,
    private_key: key,
    token_uri: fcm.tokenUri,
    server: fcm.origin,
  };
  return {
    receiver: {
      name: "FCM",
      handed: { transport: FCM, endpoint: freshRegistration() },
      told: () => fcm.messages.map((message) => JSON.stringify(message)),
    },
    env: { CARILLON_FCM: JSON.stringify(file) },
  };
}
